#include "optim/adam.h"

#include <cmath>

#include "kernels/adam.h"
#include "kernels/copy.h"
#include "kernels/fill.h"

namespace rho::optim {

Adam::Adam(std::vector<Group> groups, double lr, const AdamOptions& options)
    : Optimizer(std::move(groups), lr), options_(options) {
  const auto& [beta1, beta2, eps, weight_decay] = options_;
  check(beta1 >= 0.0 && beta1 < 1.0, "adam", "beta1 is ", beta1, ", expected >= 0 and < 1");
  check(beta2 >= 0.0 && beta2 < 1.0, "adam", "beta2 is ", beta2, ", expected >= 0 and < 1");
  check(eps >= 0.0 && std::isfinite(eps), "adam", "eps is ", eps, ", expected >= 0 and finite");
  check(weight_decay >= 0.0 && std::isfinite(weight_decay), "adam", "weight_decay is ",
        weight_decay, ", expected >= 0 and finite");
  for (const Group& group : groups_) {
    Moments& moments = moments_.emplace_back();
    for (const Variable& x : group.tensors) {
      for (std::vector<Tensor>* moment : {&moments.first, &moments.second})
        moment->push_back(kernels::zeros(x.shape(), x.dtype(), x.value().device()));
      moments.steps.push_back(make_number(0.0));
    }
  }
}

void Adam::take_step() {
  const auto& [beta1, beta2, eps, weight_decay] = options_;
  std::vector<kernels::AdamVectors> vectors;
  std::vector<Variable> moved;
  for (std::size_t k = 0; k < groups_.size(); ++k)
    for (std::size_t i = 0; i < groups_[k].tensors.size(); ++i) {
      const Variable& x = groups_[k].tensors[i];
      const Tensor g = gradient(x);
      if (!g.defined()) continue;
      const Moments& moments = moments_[k];
      const Tensor next = kernels::successor(x.value());
      const double t = ++number(moments.steps[i]);
      vectors.push_back({kernels::contiguous(x.value()), g, moments.first[i], moments.second[i],
                         next, 1.0 - std::pow(beta1, t), 1.0 - std::pow(beta2, t)});
      moved.push_back(x);
    }
  if (moved.empty()) return;
  kernels::adam(vectors, {lr_, beta1, beta2, eps, weight_decay});
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i].set_value(vectors[i].out);
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
