// True (natural) gradient (Douglas, Amari and Kung 2000; listed in WNBN 5.1).
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/direction.h"

namespace rho::kernels {

/// The great circle along h = S g with g = -lr rho G: V' = V cos||h|| + h sin||h|| / ||h||, p = 2.
struct TrueGradient {
  static constexpr auto name = "true-gradient";
  static constexpr auto help = "the great circle along S g";
  static constexpr Return back = Return::Never;
  static constexpr bool any_p = false;
  static constexpr double pull(double rho, double) { return rho; }
  static constexpr Turn turn(const auto& of, const Combination& g) {
    const Combination h = project(of, g);
    const double angle = std::sqrt(std::max(0.0, inner(of, h, h)));
    const double sinc = angle == 0.0 ? 1.0 : std::sin(angle) / angle;
    // From V / ||V||: what rounding has left of the length 1 is not passed on.
    return {along_point(std::cos(angle) / std::sqrt(of.vv)) + sinc * h, force(of, g)};
  }
};

}  // namespace rho::kernels
