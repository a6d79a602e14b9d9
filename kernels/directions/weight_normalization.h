// Weight normalization (WNBN eq. 8-9, TheoryIII eq. 55-56).
#pragma once

#include "kernels/direction.h"

namespace rho::kernels {

/// Gradient descent on g and v of W = g v / ||v||_2: v' = v - lr (g / ||v||) S G. ||v|| is constant
/// in the flow and grows by O(lr^2) a step, which slows v down.
struct WeightNormalization {
  static constexpr auto name = "weight-normalization";
  static constexpr auto help = "gradient descent on g and v of W = g v / ||v||";
  static constexpr Return back = Return::Free;
  static constexpr bool any_p = false;
  static constexpr double pull(double rho, double length) { return rho / length; }
  static constexpr Turn turn(const SphereProducts& of, const Combination& g) {
    return {along_point(1.0) + project(of, g), force(of, g)};
  }
};

}  // namespace rho::kernels
