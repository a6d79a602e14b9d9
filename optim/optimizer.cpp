#include "optim/optimizer.h"

#include <cmath>
#include <map>
#include <set>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/group_products.h"
#include "optim/sphere.h"

namespace rho::optim {

Optimizer::Optimizer(std::vector<Group> groups, double lr)
    : groups_(std::move(groups)), lr_(lr), skipped_steps_(make_number(0.0)) {
  check(lr > 0.0 && std::isfinite(lr), "optimizer", "lr is ", lr, ", expected > 0 and finite");
  std::set<std::string> names;
  for (const Group& group : groups_)
    check(names.insert(group.name).second, "optimizer", "two groups are named ", group.name);
}

void Optimizer::step() {
  prepare();
  enqueue();
  conclude();
}

void Optimizer::enqueue() {
  moved_.clear();
  successors_.clear();
  next_before_.clear();
  auditing_ = keeps_audit_;
  if (auditing_) {
    // Held here, they stay as they are: a step writes elsewhere then.
    for (const Group& group : groups_) {
      std::vector<Tensor>& values = next_before_.emplace_back();
      for (const Variable& x : group.tensors) values.push_back(kernels::contiguous(x.value()));
    }
  }
  enqueue_step();
}

void Optimizer::conclude() {
  auto successors = std::exchange(successors_, {});
  if (const Group* const group = conclude_step()) {
    check(skip_nonfinite_, "optimizer", "the gradient of group ", group->name, " is not finite");
    ++number(skipped_steps_);
    return;
  }
  for (auto& [x, next] : successors) x.set_value(next);
  if (auditing_) before_ = std::exchange(next_before_, {});
}

Tensor Optimizer::successor(const Variable& x) {
  Tensor next = kernels::successor(x.value());
  if (!next.shares_storage(x.value())) successors_.emplace_back(x, next);
  return next;
}

std::vector<Optimizer::Moving> Optimizer::moving(const Group& group) {
  std::vector<Moving> out;
  for (std::size_t i = 0; i < group.tensors.size(); ++i) {
    const Variable& x = group.tensors[i];
    const Tensor g = gradient(x);
    if (!g.defined()) continue;
    const Tensor next = successor(x);
    out.push_back({i, kernels::contiguous(x.value()), g, next});
    moved_.push_back(&group);
  }
  return out;
}

const Group* Optimizer::group_of(const Shared<std::int64_t>& nonfinite) const {
  if (moved_.empty()) return nullptr;
  nonfinite.wait();
  const std::int64_t found = nonfinite.front();
  return found < 0 ? nullptr : moved_[static_cast<std::size_t>(found)];
}

Device Optimizer::device() const {
  for (const Group& group : groups_)
    if (!group.tensors.empty()) return group.tensors.front().value().device();
  return {};
}

std::int64_t Optimizer::skipped_steps() const {
  return static_cast<std::int64_t>(skipped_steps_.item());
}

std::vector<GroupAudit> Optimizer::audit(double p) const {
  check(!before_.empty() || groups_.empty(), "audit", "no step was kept");
  std::vector<GroupAudit> out;
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    if (!groups_[k].constrained) continue;
    Tensors after;
    for (const Variable& x : groups_[k].tensors) after.push_back(kernels::contiguous(x.value()));
    const kernels::SphereProducts of =
        kernels::group_products({{before_[k], {}, after}}, p)[0].rows[0];
    // What is a gradient there is W' here.
    const kernels::Combination step = kernels::along_gradient(1.0) + kernels::along_point(-1.0);
    const double into_rho = inner(of, kernels::along_normal(1.0), step),
                 squared = inner(of, step, step);
    GroupAudit record;
    record.group = groups_[k].name;
    record.rho = norm(after, p);
    if (squared > 0.0) record.tangency = std::abs(into_rho) / std::sqrt(of.nn * squared);
    if (of.nn > 0.0) {
      // The normal at W is that at V times rho^(p-1).
      const double rho = norm(before_[k], p), order = std::isinf(p) ? 1.0 : p;
      record.multiplier = -into_rho / of.nn * std::pow(rho, order - 2.0) / order;
    }
    out.push_back(std::move(record));
  }
  return out;
}

State Optimizer::all_entries() const {
  State out = entries();
  out.emplace_back("skipped_steps", skipped_steps_);
  return out;
}

State Optimizer::state() const {
  State out = all_entries();
  for (auto& [name, tensor] : out) tensor = kernels::clone(tensor);
  return out;
}

void Optimizer::load_state(const State& state) {
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  const State mine = all_entries();
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
  for (const auto& [name, tensor] : mine) kernels::copy(given.at(name).to(tensor.device()), tensor);
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

Tensor make_number(double value) { return kernels::full({}, value, DType::Float64, Device{}); }

double& number(const Tensor& entry) { return *entry.data<double>(); }

}  // namespace rho::optim
