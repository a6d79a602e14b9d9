#include "optim/sgd.h"

#include <cmath>

#include "kernels/fill.h"
#include "kernels/sgd.h"

namespace rho::optim {

Sgd::Sgd(std::vector<Group> groups, double lr, const SgdOptions& options)
    : Optimizer(std::move(groups), lr),
      options_(options),
      step_(1, device()),
      nonfinite_(1, device()) {
  const auto& [momentum, nesterov, weight_decay] = options_;
  check(momentum >= 0.0 && momentum < 1.0, "sgd", "momentum is ", momentum,
        ", expected >= 0 and < 1");
  check(momentum > 0.0 || !nesterov, "sgd", "nesterov needs a momentum > 0");
  check(weight_decay >= 0.0 && std::isfinite(weight_decay), "sgd", "weight_decay is ", weight_decay,
        ", expected >= 0 and finite");
  if (momentum == 0.0) return;
  for (const Group& group : groups_) {
    std::vector<Tensor>& velocity = velocity_.emplace_back();
    for (const Variable& x : group.tensors)
      velocity.push_back(kernels::zeros(x.shape(), x.dtype(), x.value().device()));
  }
}

void Sgd::prepare_step() {
  step_.front() = {lr_, options_.momentum, options_.nesterov, options_.weight_decay};
}

void Sgd::enqueue_step() {
  std::vector<kernels::SgdVectors> vectors;
  for (std::size_t k = 0; k < groups_.size(); ++k)
    for (const auto& [i, x, g, next] : moving(groups_[k]))
      vectors.push_back({x, g, options_.momentum > 0.0 ? velocity_[k][i] : Tensor(), next});
  if (!vectors.empty()) kernels::sgd(vectors, step_, nonfinite_);
}

const Group* Sgd::conclude_step() { return group_of(nonfinite_); }

State Sgd::entries() const {
  State out;
  for (std::size_t k = 0; k < velocity_.size(); ++k)
    append(out, groups_[k], "velocity", velocity_[k]);
  return out;
}

}  // namespace rho::optim
