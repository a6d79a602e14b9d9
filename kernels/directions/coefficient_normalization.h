// Coefficient normalization (TheoryIII 9.2).
#pragma once

#include "kernels/direction.h"

namespace rho::kernels {

/// V' = (V + g) / ||V + g||_p with g = -lr rho G, any p. No rule for a step that is -V.
struct CoefficientNormalization {
  static constexpr auto name = "coefficient-normalization";
  static constexpr auto help = "(V + g) / ||V + g||";
  static constexpr Return back = Return::Always;
  static constexpr bool any_p = true;
  static constexpr double pull(double rho, double) { return rho; }
  static constexpr Turn turn(const SphereProducts& of, const Combination& g) {
    return {along_point(1.0) + g, force(of, g)};
  }
};

}  // namespace rho::kernels
