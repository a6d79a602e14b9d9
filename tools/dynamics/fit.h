// Straight lines through measurements, and how well they are known.
#pragma once

#include "tools/dynamics/vector.h"

namespace rho::dynamics {

/// A number and half the width of its 95 % confidence interval (Student's t). Of a deterministic
/// curve the interval says how straight it is, not how near to a limit.
struct Estimate {
  double value = 0.0, half_width = 0.0;
};

struct Line {
  Estimate intercept, slope;
  double r2 = 0.0;
};

/// Ordinary least squares, y = intercept + slope x. Throws with fewer than three points, equal x,
/// or values that are not finite.
Line fit_line(const Vector& x, const Vector& y);

/// The mean of independent samples, at least two.
Estimate mean_of(const Vector& samples);

}  // namespace rho::dynamics
