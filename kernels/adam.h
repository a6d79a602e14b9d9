// Contract of Adam's step, over all parameters at once.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/slot.h"
#include "tensor/shared.h"

namespace rho::kernels {

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
};

/// What a step does to one element, in double: the same text on every device.
struct AdamElement {
  AdamElement() = default;
  /// Of a parameter that takes its step `t`, counted from 1.
  AdamElement(const AdamStep& with, double t)
      : step(with),
        rate(with.lr / (1.0 - std::pow(with.beta1, t))),
        scale(1.0 / std::sqrt(1.0 - std::pow(with.beta2, t))) {}

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

  AdamStep step{};
  double rate = 0.0, scale = 0.0;  // of m, and of the root of v
};

/// One parameter, its gradient, its moments (updated in place), where its new value goes, and which
/// of the elements is its own. Contiguous tensors of one shape and floating dtype.
struct AdamVectors {
  Tensor x, grad, first, second, out;
  std::size_t element;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(x), visit(grad), visit(first), visit(second), visit(out);
  }
};

/// With g = grad + weight_decay x: first = beta1 first + (1 - beta1) g, second likewise of g^2, and
/// out = x - lr / (1 - beta1^t) * first / (sqrt(second / (1 - beta2^t)) + eps). Where a gradient is
/// not finite, nothing changes, and `nonfinite` says so as sgd's does.
inline constinit Slot<void(const std::vector<AdamVectors>& parameters,
                           const Shared<AdamElement>& elements,
                           const Shared<std::int64_t>& nonfinite)>
    adam{"adam"};

}  // namespace rho::kernels
