// Tangent gradient (WNBN eq. 6, TheoryIII 9.3).
#pragma once

#include "kernels/direction.h"

namespace rho::kernels {

/// V' = V + S_p g with g = -lr rho G, any p. Straight steps leave the sphere by O(lr^2).
struct TangentGradient {
  static constexpr auto name = "tangent-gradient";
  static constexpr auto help = "V + S g, back to the sphere every --retract-every steps";
  static constexpr Return back = Return::Scheduled;
  static constexpr bool any_p = true;
  static constexpr double pull(double rho, double) { return rho; }
  static constexpr Turn turn(const SphereProducts& of, const Combination& g) {
    return {along_point(1.0) + project(of, g), force(of, g)};
  }
};

}  // namespace rho::kernels
