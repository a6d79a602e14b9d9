#include "optim/sgd.h"

#include <cmath>

#include "kernels/copy.h"
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
  stepped_.clear();
  std::vector<kernels::SgdVectors> vectors;
  for (std::size_t k = 0; k < groups_.size(); ++k)
    for (std::size_t i = 0; i < groups_[k].tensors.size(); ++i) {
      const Variable& x = groups_[k].tensors[i];
      const Tensor g = gradient(x);
      if (!g.defined()) continue;
      const Tensor next = kernels::successor(x.value());
      vectors.push_back({kernels::contiguous(x.value()), g,
                         options_.momentum > 0.0 ? velocity_[k][i] : Tensor(), next});
      stepped_.push_back(&groups_[k]);
      move_to(x, next);
    }
  if (!vectors.empty()) kernels::sgd(vectors, step_, nonfinite_);
}

const Group* Sgd::conclude_step() {
  if (stepped_.empty()) return nullptr;
  nonfinite_.wait();
  const std::int64_t found = nonfinite_.front();
  return found < 0 ? nullptr : stepped_[static_cast<std::size_t>(found)];
}

State Sgd::entries() const {
  State out;
  for (std::size_t k = 0; k < velocity_.size(); ++k)
    append(out, groups_[k], "velocity", velocity_[k]);
  return out;
}

}  // namespace rho::optim
