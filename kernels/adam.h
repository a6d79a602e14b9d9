// Contract of Adam's step, over all parameters at once.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/slot.h"

namespace rho::kernels {

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
};

/// One parameter, its gradient, its moments (updated in place), where its new value goes, and
/// 1 - beta^t at its step t, counted from 1. Contiguous tensors of one shape and floating dtype.
struct AdamVectors {
  Tensor x, grad, first, second, out;
  double correction1, correction2;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(x), visit(grad), visit(first), visit(second), visit(out);
  }
};

/// With g = grad + weight_decay x: first = beta1 first + (1 - beta1) g, second likewise of g^2, and
/// out = x - lr / correction1 * first / (sqrt(second / correction2) + eps).
inline constinit Slot<void(const std::vector<AdamVectors>& parameters, const AdamStep& step)> adam{
    "adam"};

/// What the step does to one element, in double: the same text on every device.
struct AdamElement {
  AdamElement(const AdamVectors& of, const AdamStep& with)
      : step(with), rate(with.lr / of.correction1), scale(1.0 / std::sqrt(of.correction2)) {}

  /// The new value.
  template <class T>
  constexpr T operator()(T x, T grad, T& first, T& second) const {
    const double before = static_cast<double>(x);
    const double g = static_cast<double>(grad) + step.weight_decay * before;
    const double m = step.beta1 * static_cast<double>(first) + (1.0 - step.beta1) * g;
    const double v = step.beta2 * static_cast<double>(second) + (1.0 - step.beta2) * g * g;
    first = static_cast<T>(m);
    second = static_cast<T>(v);
    return static_cast<T>(before - rate * m / (std::sqrt(v) * scale + step.eps));
  }

  AdamStep step;
  double rate, scale;  // of m, and of the root of v
};

}  // namespace rho::kernels
