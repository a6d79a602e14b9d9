// Contract of a step of gradient descent with noise, over all parameters at once.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/slot.h"
#include "tensor/random.h"
#include "tensor/shared.h"

namespace rho::kernels {

struct LangevinStep {
  double lr, strength;  ///< of the gradient, of the noise
  std::uint64_t seed, step;
};

/// One parameter, its gradient, where its new value goes, and its number among all. Contiguous
/// tensors of one shape and floating dtype.
struct LangevinVectors {
  Tensor x, grad, out;
  std::uint64_t number;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(x), visit(grad), visit(out);
  }
};

/// out = x - lr grad + strength xi, in double and rounded; xi is standard normal, a function of the
/// seed, the step, the parameter's number and the element. Where a gradient is not finite, nothing
/// changes, and `nonfinite` says so as sgd's does.
inline constinit Slot<void(const std::vector<LangevinVectors>& parameters,
                           const Shared<LangevinStep>& step, const Shared<std::int64_t>& nonfinite)>
    langevin{"langevin"};

/// The new value of element i of a parameter: the same text on every device.
template <class T>
constexpr T langevin_element(const LangevinStep& step, std::uint64_t number, std::int64_t i, T x,
                             T grad) {
  Rng rng(step.seed, (number << 40U) + step.step);
  rng.set_counter(2 * static_cast<std::uint64_t>(i));  // a normal number takes two draws
  return static_cast<T>(static_cast<double>(x) - step.lr * static_cast<double>(grad) +
                        step.strength * rng.normal());
}

}  // namespace rho::kernels
