// Gradient descent on W, in the coordinates rho and V that it implies (TheoryIII eq. 8-9).
#pragma once

#include "kernels/direction.h"

namespace rho::kernels {

/// dV = S dW / rho with dW = -lr G, and d rho = <V, dW>: the path of plain gradient descent up to
/// O(lr^2) a step (TheoryIII observation 1). It differs from the tangent gradient by rho^2 in time.
struct PolarGradient {
  static constexpr auto name = "polar-gradient";
  static constexpr auto help = "plain gradient descent, in its coordinates rho and V";
  static constexpr Return back = Return::Scheduled;
  static constexpr bool any_p = false;
  static constexpr double pull(double rho, double) { return 1.0 / rho; }
  static constexpr Turn turn(const SphereProducts& of, const Combination& g) {
    return {along_point(1.0) + project(of, g), force(of, g)};
  }
};

}  // namespace rho::kernels
