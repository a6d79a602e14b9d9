// Flows over logarithmic time.
#pragma once

#include "tools/dynamics/flow.h"

namespace rho::dynamics {

/// The weights w[i] at the times t[i].
struct Trajectory {
  Vector t;
  std::vector<Vector> w;
};

/// What a step may err by in each coordinate x: absolute + relative |x|. Where a coordinate's
/// digits matter however small it is, absolute = 0.
struct Accuracy {
  double relative = 1e-10, absolute = 1e-12;
};

/// The flow from `start` at t = 0, at the ascending times `times` (>= 0, below 1e300). An adaptive
/// Dormand-Prince method of order 5 integrates dx/ds = (1 + t) dx/dt over s = log(1 + t), in which
/// flows towards infinity change at a steady pace. Throws, naming the time, where velocities are
/// not finite, or steps become too many: in a stiff flow, or where a rectifier's pre-activation is
/// driven to 0 from both sides, so that the flow slides along a kink and descent zigzags across it.
Trajectory integrate(Flow& flow, const Vector& start, const Vector& times, Accuracy accuracy = {});

/// `count` >= 2 times from `first` > 0 to `last` > `first`, evenly spaced in log t.
Vector log_times(double first, double last, std::size_t count);

}  // namespace rho::dynamics
