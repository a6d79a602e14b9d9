#include "optim/langevin.h"

#include <cmath>

#include "kernels/copy.h"

namespace rho::optim {

Langevin::Langevin(std::vector<Group> groups, double lr, const LangevinOptions& options)
    : Optimizer(std::move(groups), lr),
      options_(options),
      steps_(make_number(0.0)),
      step_(1, device()),
      nonfinite_(1, device()) {
  check(options.temperature >= 0.0 && std::isfinite(options.temperature), "langevin",
        "temperature is ", options.temperature, ", expected >= 0 and finite");
}

void Langevin::prepare_step() {
  step_.front() = {lr_, std::sqrt(2.0 * lr_ * options_.temperature), options_.seed,
                   static_cast<std::uint64_t>(number(steps_))};
}

void Langevin::enqueue_step() {
  stepped_.clear();
  std::vector<kernels::LangevinVectors> vectors;
  std::uint64_t tensor = 0;
  for (const Group& group : groups_)
    for (const Variable& x : group.tensors) {
      const std::uint64_t its_number = tensor++;
      const Tensor g = gradient(x);
      if (!g.defined()) continue;
      const Tensor next = kernels::successor(x.value());
      vectors.push_back({kernels::contiguous(x.value()), g, next, its_number});
      stepped_.push_back(&group);
      move_to(x, next);
    }
  if (!vectors.empty()) kernels::langevin(vectors, step_, nonfinite_);
}

const Group* Langevin::conclude_step() {
  if (!stepped_.empty()) {
    nonfinite_.wait();
    const std::int64_t found = nonfinite_.front();
    if (found >= 0) return stepped_[static_cast<std::size_t>(found)];
  }
  number(steps_) += 1.0;
  return nullptr;
}

State Langevin::entries() const { return {{"steps", steps_}}; }

}  // namespace rho::optim
