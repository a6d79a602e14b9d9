// Descent against the flow that it follows.
#pragma once

#include <string>

#include "tools/dynamics/descent.h"
#include "tools/dynamics/fit.h"

namespace rho::dynamics {

/// The largest distance between the weights of two trajectories with the same times.
double largest_distance(const Trajectory& a, const Trajectory& b);

/// The order q of the largest distance ~ lr^q up to time `end` between descent by `optimizer` and
/// the flow of this name, from learning rates 0.04, 0.02, 0.01 and 0.005, each times `unit`.
/// 1 is expected: a step errs by O(lr^2), and there are 1 / lr of them.
Estimate order_in_rate(NetworkSystem& system, const Vector& start, const std::string& optimizer,
                       const std::string& flow, double end, double unit = 1.0);

}  // namespace rho::dynamics
