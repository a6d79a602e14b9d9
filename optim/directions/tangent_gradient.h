// Tangent gradient (WNBN eq. 6, TheoryIII 9.3).
#pragma once

#include "optim/direction.h"

namespace rho::optim {

/// V' = V + S_p g with g = -lr rho G, any p. Straight steps leave the sphere by O(lr^2).
inline constexpr Direction kTangentGradient{
    "tangent-gradient",
    "V + S g, back to the sphere every --retract-every steps",
    [](const SphereProducts& of, const Combination& g) {
      return Turn{kPoint + project(of, g), force(of, g)};
    },
    [](double rho, double) { return rho; },
    Return::Scheduled,
    true};

}  // namespace rho::optim
