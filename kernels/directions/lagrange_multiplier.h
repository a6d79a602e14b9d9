// Lagrange multiplier method (TheoryIII eq. 48-51).
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/direction.h"

namespace rho::kernels {

/// V' = alpha V + g with g = -lr rho G and alpha = 1 + 2 lambda such that ||V'||_2 = 1. There is an
/// alpha while ||S g|| <= 1; a longer step is shortened to that.
struct LagrangeMultiplier {
  static constexpr auto name = "lagrange-multiplier";
  static constexpr auto help = "alpha V + g, alpha from the constraint";
  static constexpr Return back = Return::Never;
  static constexpr bool any_p = false;
  static constexpr double pull(double rho, double) { return rho; }
  static constexpr Turn turn(const auto& of, const Combination& g) {
    const Combination tangent = project(of, g);
    const double sine = std::sqrt(std::max(0.0, inner(of, tangent, tangent)));
    const double share = sine > 1.0 ? 1.0 / sine : 1.0;
    // ||alpha V + g|| = 1, with ||V|| as it was rounded: alpha ||V|| is the cosine that belongs to
    // the tangent part's sine, less what g has along V.
    const double length = std::sqrt(of.vv);
    const double along = share * inner(of, along_point(1.0), g) / length;
    const double cosine = std::sqrt(std::max(0.0, (1.0 - share * sine) * (1.0 + share * sine)));
    const double alpha = (cosine - along) / length;
    return {along_point(alpha) + share * g, alpha - 1.0, share < 1.0};
  }
};

}  // namespace rho::kernels
