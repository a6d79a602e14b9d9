// Weight normalization (WNBN eq. 8-9, TheoryIII eq. 55-56).
#pragma once

#include "optim/direction.h"

namespace rho::optim {

/// Gradient descent on g and v of W = g v / ||v||_2: v' = v - lr (g / ||v||) S G. ||v|| is constant
/// in the flow and grows by O(lr^2) a step, which slows v down.
inline constexpr Direction kWeightNormalization{
    "weight-normalization",
    "gradient descent on g and v of W = g v / ||v||",
    [](const SphereProducts& of, const Combination& g) {
      return Turn{kPoint + project(of, g), force(of, g)};
    },
    [](double rho, double length) { return rho / length; },
    Return::Free,
    false};

}  // namespace rho::optim
