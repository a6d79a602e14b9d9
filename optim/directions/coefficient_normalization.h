// Coefficient normalization (TheoryIII 9.2).
#pragma once

#include "optim/direction.h"

namespace rho::optim {

/// V' = (V + g) / ||V + g||_p with g = -lr rho G, any p. No rule for a step that is -V.
inline constexpr Direction kCoefficientNormalization{
    "coefficient-normalization",
    "(V + g) / ||V + g||",
    [](const SphereProducts& of, const Combination& g) {
      return Turn{kPoint + g, force(of, g)};
    },
    [](double rho, double) { return rho; },
    Return::Always,
    true};

}  // namespace rho::optim
