// Contract of a step of gradient descent with momentum, over all parameters at once.
#pragma once

#include <vector>

#include "kernels/slot.h"
#include "tensor/shared.h"

namespace rho::kernels {

struct SgdStep {
  double lr, momentum;
  bool nesterov;
  double weight_decay;
};

/// One parameter, its gradient, its velocity (undefined without momentum; updated in place), and
/// where its new value goes: contiguous, of one shape and one floating dtype.
struct SgdVectors {
  Tensor x, grad, velocity, out;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(x), visit(grad), visit(velocity), visit(out);
  }
};

/// Where a gradient is not finite, nothing changes and `nonfinite` becomes the first such
/// parameter's number, else -1; the host can read it after nonfinite.wait(). Else, with g = grad +
/// weight_decay x: velocity = momentum velocity + g, and out = x - lr velocity, with `nesterov` x -
/// lr (g + momentum velocity), without momentum x - lr g. Each is computed in double and rounded.
inline constinit Slot<void(const std::vector<SgdVectors>& parameters, const Shared<SgdStep>& step,
                           const Shared<std::int64_t>& nonfinite)>
    sgd{"sgd"};

/// The new value of one element: the same text on every device.
template <class T>
constexpr T sgd_element(const SgdStep& step, T x, T grad, T* velocity) {
  const auto plus = [](T a, double factor, T b) {
    return static_cast<T>(static_cast<double>(a) + factor * static_cast<double>(b));
  };
  if (step.weight_decay > 0.0) grad = plus(grad, step.weight_decay, x);
  if (velocity != nullptr) {
    *velocity = plus(grad, step.momentum, *velocity);
    grad = step.nesterov ? plus(grad, step.momentum, *velocity) : *velocity;
  }
  return plus(x, -step.lr, grad);
}

}  // namespace rho::kernels
