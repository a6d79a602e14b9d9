#include "optim/norm_constrained.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/group_products.h"

namespace rho::optim {
namespace {

using kernels::Combination;
using kernels::SphereFault;
using kernels::SphereProducts;
using kernels::SphereResult;

Tensors clones(const Tensors& tensors) {
  Tensors out;
  for (const Tensor& x : tensors) out.push_back(kernels::clone(x));
  return out;
}

Tensors zeros_like(const Group& group) {
  Tensors out;
  for (const Variable& x : group.tensors)
    out.push_back(kernels::zeros(x.shape(), x.dtype(), x.value().device()));
  return out;
}

// Row r of each tensor.
Tensors row_of(const Tensors& tensors, std::size_t r, std::size_t rows) {
  Tensors out;
  for (const Tensor& tensor : tensors) {
    const auto row = static_cast<std::int64_t>(r);
    out.push_back(tensor.view({static_cast<std::int64_t>(rows), -1}).slice(0, row, row + 1));
  }
  return out;
}

Tensor make_numbers(const std::vector<double>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}, Device{});
}

}  // namespace

NormConstrained::NormConstrained(std::vector<Group> groups, double lr,
                                 const NormConstrainedOptions& options)
    : Optimizer(std::move(groups), lr),
      options_(options),
      direction_(find_direction(options.direction)),
      scale_(make_scale(options.rho, options.rho_lr, options.weight_decay, options.direction)),
      steps_(make_number(0.0)) {
  check(options.momentum >= 0.0 && options.momentum < 1.0, options.direction, "momentum is ",
        options.momentum, ", expected >= 0 and < 1");
  check(options.momentum > 0.0 || !options.nesterov, options.direction,
        "nesterov needs a momentum > 0");
  kernels::check_norm_order(options.p, options.direction);
  check(direction_.any_p || options.p == 2.0, options.direction, "p = ", options.p,
        ", expected 2: this method is for the Euclidean norm");
  check(options.retract_every >= 1, options.direction, "retract_every is ", options.retract_every,
        ", expected >= 1");
  std::size_t rows = 0, on_no_sphere = 0;
  free_velocity_.resize(groups_.size());
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    if (groups_[k].constrained) {
      blocks_.push_back(start(k));
      blocks_.back().first = std::exchange(rows, rows + blocks_.back().rows());
      continue;
    }
    on_no_sphere += groups_[k].tensors.size();
    if (options.momentum > 0.0) free_velocity_[k] = zeros_like(groups_[k]);
  }
  check(!blocks_.empty(), options_.direction, "there is no constrained group among ",
        groups_.size());
  step_ = Shared<kernels::SphereStep>(1, device());
  rows_ = Shared<kernels::SphereRow>(rows, device());
  results_ = Shared<SphereResult>(rows + on_no_sphere, device());
}

std::size_t NormConstrained::rows_of(const Group& group) const {
  if (!options_.per_channel) return 1;
  const std::int64_t channels = group.tensors.front().size(0);
  for (const Variable& x : group.tensors)
    check(x.size(0) == channels, options_.direction, "group ", group.name,
          " has tensors of different first extents, ", channels, " and ", x.size(0),
          ", but one norm a channel");
  return static_cast<std::size_t>(channels);
}

NormConstrained::Block NormConstrained::start(std::size_t group) const {
  Block block;
  block.group = group;
  for (const Variable& w : groups_[group].tensors)
    block.direction.push_back(kernels::clone(w.value()));
  if (options_.momentum > 0.0) block.velocity = zeros_like(groups_[group]);
  const std::size_t rows = rows_of(groups_[group]);
  std::vector<double> lengths;
  for (std::size_t r = 0; r < rows; ++r) {
    const Tensors row = row_of(block.direction, r, rows);
    lengths.push_back(norm(row, options_.p));
    check(std::isfinite(lengths.back()), options_.direction, "group ", groups_[group].name,
          " has norm ", lengths.back(), ", expected a positive finite norm");
    if (lengths.back() > 0.0) normalize(row, options_.p);
  }
  const double largest = *std::max_element(lengths.begin(), lengths.end());
  check(largest > 0.0, options_.direction, "group ", groups_[group].name, " has norm ", largest,
        ", expected a positive finite norm");
  block.rho = make_numbers(lengths);
  block.initial_rho = make_numbers(lengths);
  block.shortened = make_number(0.0);
  block.held = make_number(0.0);
  return block;
}

void NormConstrained::prepare_step() {
  const double steps = number(steps_) + 1.0;
  step_.front() = {
      .direction = direction_.number,
      .p = options_.p,
      .descent = {lr_, options_.momentum, options_.nesterov, 0.0},
      .scale = scale_->rule({lr_, steps, static_cast<double>(blocks_.size()), margin_}),
      .retracts = retracts(steps)};
  for (const Block& block : blocks_)
    for (std::size_t r = 0; r < block.rows(); ++r)
      rows_.values()[block.first + r] = {block.rho.data<double>()[r],
                                         block.initial_rho.data<double>()[r]};
}

void NormConstrained::enqueue_step() {
  stepped_.clear();
  std::vector<kernels::SphereGroup> spheres;
  for (Block& block : blocks_) {
    Tensors g = gradients(groups_[block.group]);
    if (g.empty()) continue;
    stepped_.push_back({&block, auditing() ? clones(block.direction) : Tensors{}});
    spheres.push_back(vectors_of(block, std::move(g)));
  }
  std::vector<kernels::SgdVectors> others;
  for (std::size_t k = 0; k < groups_.size(); ++k) {
    if (groups_[k].constrained) continue;
    for (const auto& [t, x, g, next] : moving(groups_[k]))
      others.push_back({x, g, options_.momentum > 0.0 ? free_velocity_[k][t] : Tensor(), next});
  }
  if (!stepped_.empty() || !others.empty())
    kernels::sphere_step(spheres, others, step_, rows_, results_);
}

kernels::SphereGroup NormConstrained::vectors_of(const Block& block, Tensors gradients) {
  kernels::SphereGroup out;
  out.v = block.direction;
  out.u = block.velocity;
  out.g = std::move(gradients);
  for (const Variable& w : groups_[block.group].tensors) out.w.push_back(successor(w));
  out.rows = block.rows();
  out.first = block.first;
  return out;
}

// Empty where no tensor of the group has a gradient.
Tensors NormConstrained::gradients(const Group& group) const {
  Tensors out;
  bool any = false;
  for (const Variable& w : group.tensors) {
    const Tensor g = gradient(w);
    any = any || g.defined();
    out.push_back(g.defined() ? g : kernels::zeros(w.shape(), w.dtype(), w.value().device()));
  }
  return any ? out : Tensors{};
}

bool NormConstrained::retracts(double steps) const {
  if (direction_.back == Return::Always) return true;
  return direction_.back == Return::Scheduled &&
         static_cast<std::int64_t>(steps) % options_.retract_every == 0;
}

std::span<const SphereResult> NormConstrained::results_of(const Block& block) const {
  return results_.values().subspan(block.first, block.rows());
}

const Group* NormConstrained::conclude_step() {
  results_.wait();
  const std::span<const SphereResult> of_free = results_.values().subspan(rows_.values().size());
  for (const Stepped& stepped : stepped_)
    for (const SphereResult& row : results_of(*stepped.block))
      if (row.fault == SphereFault::Gradient) return &groups_[stepped.block->group];
  for (std::size_t i = 0; i < moved().size(); ++i)
    if (of_free[i].fault == SphereFault::Gradient) return moved()[i];
  for (const Stepped& stepped : stepped_) expect_possible(*stepped.block);
  for (Stepped& stepped : stepped_) commit(stepped);
  number(steps_) += 1.0;
  return nullptr;
}

// Throws where a row of the block could not move, for which nothing has.
void NormConstrained::expect_possible(const Block& block) const {
  const std::string& name = groups_[block.group].name;
  const std::span<const SphereResult> results = results_of(block);
  for (std::size_t r = 0; r < results.size(); ++r) {
    const SphereFault fault = results[r].fault;
    const double found = results[r].found;
    check(fault != SphereFault::Length, options_.direction, "the step of group ", name,
          " leads to a direction of length ", found, ", expected < ", kernels::kLongest,
          "; try a smaller lr");
    check(fault != SphereFault::Rho, options_.direction, "rho of group ", name, " would go from ",
          block.rho.data<double>()[r], " to ", found, ", expected > 0 and finite; try a smaller ",
          options_.rho == "learned" ? "rho_lr" : "rate of rho");
  }
}

void NormConstrained::commit(Stepped& stepped) {
  Block& block = *stepped.block;
  double* rho = block.rho.data<double>();
  std::vector<double> lengths;
  double largest = 0.0;
  for (const SphereResult& row : results_of(block)) {
    *rho++ = row.rho;
    number(block.shortened) += row.shortened ? 1.0 : 0.0;
    number(block.held) += row.held ? 1.0 : 0.0;
    lengths.push_back(row.length);
    if (std::abs(row.force) > std::abs(largest)) largest = row.force;
  }
  if (!auditing()) return;
  block.before = std::move(stepped.before);
  block.lengths = std::move(lengths);
  block.force = largest;
}

State NormConstrained::entries() const {
  State out;
  for (std::size_t k = 0; k < groups_.size(); ++k)
    append(out, groups_[k], "velocity", free_velocity_[k]);
  for (const Block& block : blocks_) {
    const Group& group = groups_[block.group];
    append(out, group, "direction", block.direction);
    append(out, group, "velocity", block.velocity);
    out.emplace_back(group.name + "/rho", block.rho);
    out.emplace_back(group.name + "/initial_rho", block.initial_rho);
    out.emplace_back(group.name + "/shortened", block.shortened);
    out.emplace_back(group.name + "/held", block.held);
  }
  out.emplace_back("steps", steps_);
  return out;
}

std::vector<GroupAudit> NormConstrained::audit(double) const {
  const double p = options_.p, order = std::isinf(p) ? 1.0 : p;
  std::vector<GroupAudit> out;
  for (const Block& block : blocks_) {
    check(!block.before.empty(), "audit", "no step of group ", groups_[block.group].name,
          " was kept");
    GroupAudit record;
    record.group = groups_[block.group].name;
    record.rho = norm({block.rho}, p);
    record.multiplier = block.force / order;
    record.shortened = static_cast<std::int64_t>(block.shortened.item());
    record.held = static_cast<std::int64_t>(block.held.item());
    const std::size_t rows = block.lengths.size();
    const std::vector<kernels::GroupProducts> of = kernels::group_products(
        {{block.direction, {}, {}, rows}, {block.before, {}, block.direction, rows}}, p);
    for (std::size_t r = 0; r < rows; ++r) {
      if (block.rho.data<double>()[r] == 0.0) continue;
      record.norm_deviation =
          std::max(record.norm_deviation, std::abs(kernels::length(of[0].rows[r], p) - 1.0));
      // What is a gradient there is V' here.
      const Combination step =
          kernels::along_gradient(block.lengths[r]) + kernels::along_point(-1.0);
      const SphereProducts& moved = of[1].rows[r];
      const double squared = inner(moved, step, step);
      if (squared > 0.0)
        record.tangency =
            std::max(record.tangency, std::abs(inner(moved, kernels::along_normal(1.0), step)) /
                                          std::sqrt(moved.nn * squared));
    }
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace rho::optim
