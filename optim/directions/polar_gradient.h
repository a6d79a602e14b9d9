// Gradient descent on W, in the coordinates rho and V that it implies (TheoryIII eq. 8-9).
#pragma once

#include "optim/direction.h"

namespace rho::optim {

/// dV = S dW / rho with dW = -lr G, and d rho = <V, dW>: the path of plain gradient descent up to
/// O(lr^2) a step (TheoryIII observation 1). It differs from the tangent gradient by rho^2 in time.
inline constexpr Direction kPolarGradient{"polar-gradient",
                                          "plain gradient descent, in its coordinates rho and V",
                                          [](const SphereProducts& of, const Combination& g) {
                                            return Turn{kPoint + project(of, g), force(of, g)};
                                          },
                                          [](double rho, double) { return 1.0 / rho; },
                                          Return::Scheduled,
                                          false};

}  // namespace rho::optim
