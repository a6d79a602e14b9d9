#include "optim/langevin.h"

#include <cmath>

#include "kernels/copy.h"
#include "kernels/sphere.h"
#include "tensor/random.h"

namespace rho::optim {

Langevin::Langevin(std::vector<Group> groups, double lr, const LangevinOptions& options)
    : Optimizer(std::move(groups), lr), options_(options), steps_(make_number(0.0)) {
  check(options.temperature >= 0.0 && std::isfinite(options.temperature), "langevin",
        "temperature is ", options.temperature, ", expected >= 0 and finite");
}

void Langevin::take_step() {
  const double steps = number(steps_);
  const double strength = std::sqrt(2.0 * lr_ * options_.temperature);
  std::uint64_t tensor = 0;
  for (Group& group : groups_)
    for (Variable& x : group.tensors) {
      const std::uint64_t stream = (tensor++ << 40U) + static_cast<std::uint64_t>(steps);
      const Tensor g = gradient(x);
      if (!g.defined()) continue;
      const Tensor next = kernels::successor(x.value());
      kernels::linear_combination(1.0, kernels::contiguous(x.value()), -lr_, g, next);
      kernels::linear_combination(1.0, next, strength, noise(next, stream), next);
      x.set_value(next);
    }
  number(steps_) = steps + 1.0;
}

// Drawn on the host, so that every device has the same.
Tensor Langevin::noise(const Tensor& like, std::uint64_t stream) const {
  Rng rng(options_.seed, stream);
  const Tensor out = Tensor::empty(like.shape(), like.dtype(), Device{});
  dispatch_floating(like.dtype(), "langevin", [&]<class T>() {
    for (std::int64_t i = 0; i < out.numel(); ++i) out.data<T>()[i] = static_cast<T>(rng.normal());
  });
  return out.to(like.device());
}

State Langevin::entries() const { return {{"steps", steps_}}; }

}  // namespace rho::optim
