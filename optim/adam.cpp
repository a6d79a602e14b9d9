#include "optim/adam.h"

#include <cmath>

#include "kernels/adam.h"
#include "kernels/fill.h"

namespace rho::optim {

Adam::Adam(std::vector<Group> groups, double lr, const AdamOptions& options)
    : Optimizer(std::move(groups), lr), options_(options), nonfinite_(1, device()) {
  const auto& [beta1, beta2, eps, weight_decay] = options_;
  check(beta1 >= 0.0 && beta1 < 1.0, "adam", "beta1 is ", beta1, ", expected >= 0 and < 1");
  check(beta2 >= 0.0 && beta2 < 1.0, "adam", "beta2 is ", beta2, ", expected >= 0 and < 1");
  check(eps >= 0.0 && std::isfinite(eps), "adam", "eps is ", eps, ", expected >= 0 and finite");
  check(weight_decay >= 0.0 && std::isfinite(weight_decay), "adam", "weight_decay is ",
        weight_decay, ", expected >= 0 and finite");
  std::size_t tensors = 0;
  for (const Group& group : groups_) {
    tensors += group.tensors.size();
    Moments& moments = moments_.emplace_back();
    for (const Variable& x : group.tensors) {
      for (std::vector<Tensor>* moment : {&moments.first, &moments.second})
        moment->push_back(kernels::zeros(x.shape(), x.dtype(), x.value().device()));
      moments.steps.push_back(make_number(0.0));
    }
  }
  elements_ = Shared<kernels::AdamElement>(tensors, device());
}

void Adam::prepare_step() {
  const auto& [beta1, beta2, eps, weight_decay] = options_;
  std::size_t next = 0;
  for (const Moments& moments : moments_)
    for (const Tensor& steps : moments.steps)
      elements_.values()[next++] = {{lr_, beta1, beta2, eps, weight_decay}, number(steps) + 1.0};
}

void Adam::enqueue_step() {
  stepped_.clear();
  std::vector<kernels::AdamVectors> vectors;
  std::size_t first = 0;  // element of the group
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    const Moments& moments = moments_[k];
    for (const auto& [i, x, g, next] : moving(groups_[k])) {
      vectors.push_back({x, g, moments.first[i], moments.second[i], next, first + i});
      stepped_.push_back(moments.steps[i]);
    }
    first += groups_[k].tensors.size();
  }
  if (!vectors.empty()) kernels::adam(vectors, elements_, nonfinite_);
}

const Group* Adam::conclude_step() {
  const Group* const nonfinite = group_of(nonfinite_);
  if (nonfinite == nullptr)
    for (const Tensor& steps : stepped_) ++number(steps);
  return nonfinite;
}

State Adam::entries() const {
  State out;
  for (std::size_t k = 0; k < moments_.size(); ++k) {
    append(out, groups_[k], "first", moments_[k].first);
    append(out, groups_[k], "second", moments_[k].second);
    append(out, groups_[k], "steps", moments_[k].steps);
  }
  return out;
}

}  // namespace rho::optim
