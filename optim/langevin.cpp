#include "optim/langevin.h"

#include <cmath>

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
  std::vector<kernels::LangevinVectors> vectors;
  std::size_t first = 0;  // number of the group's first tensor
  for (const Group& group : groups_) {
    for (const auto& [i, x, g, next] : moving(group)) vectors.push_back({x, g, next, first + i});
    first += group.tensors.size();
  }
  if (!vectors.empty()) kernels::langevin(vectors, step_, nonfinite_);
}

const Group* Langevin::conclude_step() {
  const Group* const nonfinite = group_of(nonfinite_);
  if (nonfinite == nullptr) number(steps_) += 1.0;
  return nonfinite;
}

State Langevin::entries() const { return {{"steps", steps_}}; }

}  // namespace rho::optim
