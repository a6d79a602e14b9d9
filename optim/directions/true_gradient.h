// True (natural) gradient (Douglas, Amari and Kung 2000; listed in WNBN 5.1).
#pragma once

#include <algorithm>
#include <cmath>

#include "optim/direction.h"

namespace rho::optim {

/// The great circle along h = S g with g = -lr rho G: V' = V cos||h|| + h sin||h|| / ||h||, p = 2.
inline constexpr Direction kTrueGradient{
    "true-gradient",
    "the great circle along S g",
    [](const SphereProducts& of, const Combination& g) {
      const Combination h = project(of, g);
      const double angle = std::sqrt(std::max(0.0, inner(of, h, h)));
      const double sinc = angle == 0.0 ? 1.0 : std::sin(angle) / angle;
      // From V / ||V||: what rounding has left of the length 1 is not passed on.
      return Turn{(std::cos(angle) / std::sqrt(of.vv)) * kPoint + sinc * h, force(of, g)};
    },
    [](double rho, double) { return rho; },
    Return::Never,
    false};

}  // namespace rho::optim
