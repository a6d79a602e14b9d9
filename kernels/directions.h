// The rules that there are: what is listed here is what every device has, "tangent-gradient" first.
#pragma once

#include "kernels/directions/coefficient_normalization.h"
#include "kernels/directions/lagrange_multiplier.h"
#include "kernels/directions/polar_gradient.h"
#include "kernels/directions/tangent_gradient.h"
#include "kernels/directions/true_gradient.h"
#include "kernels/directions/weight_normalization.h"

namespace rho::kernels {

template <class... Rules>
struct RuleList {
  /// visit(Rule{}) of all, in their order.
  template <class Visit>
  static constexpr void for_each(const Visit& visit) {
    (visit(Rules{}), ...);
  }
  /// visit(Rule{}) of the one with this number.
  template <class Visit>
  static constexpr void visit(int number, const Visit& visit) {
    int next = 0;
    ((number == next++ ? visit(Rules{}) : void()), ...);
  }
};

using Directions = RuleList<TangentGradient, CoefficientNormalization, LagrangeMultiplier,
                            TrueGradient, WeightNormalization, PolarGradient>;

}  // namespace rho::kernels
