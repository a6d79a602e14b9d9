// How far a network is from the function that it was fitted to.
#pragma once

#include <functional>
#include <string>

#include "nn/module.h"

namespace rho::approximate {

struct Errors {
  double sampled_sup = 0.0;   ///< the largest |f - P| over the test points
  double sup = 0.0;           ///< the largest found by climbing from the worst of them
  double rms = 0.0;           ///< root mean square of f - P over the test points
  double relative_rms = 0.0;  ///< rms / standard deviation of f there
};

/// Errors of `network` as an approximation P of the target, in double (to which it is converted),
/// on `points` uniform random points of I^8: the same ones for every network. Both sup norms are
/// bounds from below.
Errors measure_errors(nn::Module& network, const std::string& target, std::int64_t points);

/// Projected gradient ascent of `height` (x [N, D] -> [N, 1], each row by itself) in [-1, 1]^D from
/// each row of `start`, float64. Rows move only where they rise: else they halve their step.
Tensor climb(const std::function<Variable(const Variable&)>& height, const Tensor& start);

}  // namespace rho::approximate
