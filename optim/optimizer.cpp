#include "optim/optimizer.h"

#include <cmath>
#include <map>
#include <set>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/sphere.h"
#include "kernels/transfer.h"

namespace rho::optim {

Optimizer::Optimizer(std::vector<Group> groups, double lr) : groups_(std::move(groups)), lr_(lr) {
  check(lr > 0.0 && std::isfinite(lr), "optimizer", "lr is ", lr, ", expected > 0 and finite");
  std::set<std::string> names;
  for (const Group& group : groups_)
    check(names.insert(group.name).second, "optimizer", "two groups are named ", group.name);
}

State Optimizer::state() const {
  State out = entries();
  for (auto& [name, tensor] : out) tensor = kernels::clone(tensor);
  return out;
}

void Optimizer::load_state(const State& state) {
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  const State mine = entries();
  for (const auto& [name, tensor] : mine) {
    const auto found = given.find(name);
    check(found != given.end(), "load_state", "has no entry ", name);
    const Tensor& value = found->second;
    check(value.shape() == tensor.shape() && value.dtype() == tensor.dtype(), "load_state", name,
          " is ", value.dtype(), ' ', value.shape(), ", expected ", tensor.dtype(), ' ',
          tensor.shape());
  }
  const std::map<std::string, Tensor> known(mine.begin(), mine.end());
  for (const auto& [name, tensor] : state)
    check(known.contains(name), "load_state", "does not know the entry ", name);
  for (const auto& [name, tensor] : mine)
    kernels::copy(kernels::to_device(given.at(name), tensor.device()), tensor);
}

void Optimizer::check_gradients() const {
  for (const Group& group : groups_)
    for (const Variable& parameter : group.tensors) {
      const Tensor g = gradient(parameter);
      if (!g.defined()) continue;
      kernels::Peak peak;
      kernels::abs_max(g, peak);
      check(std::isfinite(peak.value), "optimizer", "the gradient of group ", group.name,
            " is not finite");
    }
}

Tensor Optimizer::gradient(const Variable& parameter) {
  const Variable& g = parameter.grad();
  return g.defined() ? kernels::contiguous(g.value()) : Tensor();
}

void Optimizer::append(State& state, const Group& group, const std::string& kind,
                       const std::vector<Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i)
    state.emplace_back(group.name + '/' + kind + '/' + std::to_string(i), tensors[i]);
}

Tensor make_number(double value) { return kernels::full({}, value, DType::Float64); }

double& number(const Tensor& entry) { return *entry.data<double>(); }

}  // namespace rho::optim
