#include "optim/norm_constrained.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "optim/products.h"

namespace rho::optim {
namespace {

using kernels::SphereMove;

// A step leaves no V where what is left of it is rounding, relative to V and the step: its length
// is the root of a difference of products.
constexpr double kNothing = 1e-7;
// A longer V would overflow float32 when it is squared.
constexpr double kTooLong = 1e18;

std::vector<Group> unconstrained(const std::vector<Group>& groups) {
  std::vector<Group> out;
  std::copy_if(groups.begin(), groups.end(), std::back_inserter(out),
               [](const Group& group) { return !group.constrained; });
  return out;
}

Tensors empty_like(const Tensors& tensors) {
  Tensors out;
  for (const Tensor& x : tensors) out.push_back(Tensor::empty(x.shape(), x.dtype(), x.device()));
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
      steps_(make_number(0.0)),
      unconstrained_(unconstrained(groups_), lr, {options.momentum, options.nesterov, 0.0}) {
  kernels::check_norm_order(options.p, options.direction);
  check(direction_.any_p || options.p == 2.0, options.direction, "p = ", options.p,
        ", expected 2: this method is for the Euclidean norm");
  check(options.retract_every >= 1, options.direction, "retract_every is ", options.retract_every,
        ", expected >= 1");
  for (std::size_t k = 0; k < groups_.size(); ++k)
    if (groups_[k].constrained) blocks_.push_back(start(k));
  check(!blocks_.empty(), options_.direction, "there is no constrained group among ",
        groups_.size());
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
  for (const Variable& w : groups_[group].tensors) {
    block.direction.push_back(kernels::clone(w.value()));
    if (options_.momentum > 0.0)
      block.velocity.push_back(kernels::zeros(w.shape(), w.dtype(), w.value().device()));
  }
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

const Group* NormConstrained::find_nonfinite() {
  next_ = {};
  for (Block& block : blocks_) {
    Tensors g = gradients(groups_[block.group]);
    if (g.empty()) continue;
    next_.blocks.push_back(&block);
    next_.vectors.push_back({block.direction, block.velocity, std::move(g),
                             static_cast<std::size_t>(block.rho.numel())});
  }
  // Of the other groups the squares of the gradients alone are of interest.
  std::vector<GroupVectors> all = next_.vectors;
  for (const Group& group : unconstrained_.groups())
    for (const Variable& x : group.tensors)
      if (const Tensor g = gradient(x); g.defined()) all.push_back({{g}, {}, {}});
  std::vector<GroupProducts> found = products(all, options_.p);
  bool all_finite = true;
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const SphereProducts& row : found[i].rows)
      all_finite = all_finite && std::isfinite(i < next_.blocks.size() ? row.gg : row.vv);
  found.resize(next_.blocks.size());
  next_.products = std::move(found);
  if (all_finite) return nullptr;
  // Squares of finite doubles may overflow.
  const Group* const group = Optimizer::find_nonfinite();
  if (group != nullptr) next_ = {};
  return group;
}

void NormConstrained::take_step() {
  const double steps = number(steps_) + 1.0;
  // Everything that can fail comes before the first change.
  Start start = std::exchange(next_, {});
  std::vector<Plan> plans;
  for (std::size_t i = 0; i < start.blocks.size(); ++i)
    plans.push_back(
        plan(*start.blocks[i], std::move(start.vectors[i].g), start.products[i], steps));
  unconstrained_.set_lr(lr_);
  unconstrained_.take_step();
  move_all(plans, retracts(steps) && options_.p != 2.0);
  number(steps_) = steps;
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

NormConstrained::Plan NormConstrained::plan(Block& block, Tensors g, const GroupProducts& of,
                                            double steps) const {
  const auto rows = static_cast<std::size_t>(block.rho.numel());
  Plan out;
  out.block = &block;
  out.gradients = std::move(g);
  out.moves.resize(block.direction.size());
  for (std::size_t r = 0; r < rows; ++r) {
    SphereMove move = plan_row(out, r, of.rows[r], steps);
    for (std::size_t t = 0; t < out.moves.size(); ++t) {
      move.peak = t == of.peak_tensor[r] ? of.rows[r].peak_index : -1;
      out.moves[t].push_back(move);
    }
  }
  return out;
}

SphereMove NormConstrained::plan_row(Plan& plan, std::size_t row, const SphereProducts& of,
                                     double steps) const {
  const Block& block = *plan.block;
  const double rho = block.rho.data<double>()[row];
  const SphereMove stay{kPoint, {}, rho};
  plan.lengths.push_back(1.0);
  if (rho == 0.0) {  // a channel without a direction
    plan.rho.push_back(0.0);
    plan.held += 1.0;
    return stay;
  }
  const double before = std::sqrt(of.vv);
  const Combination gradient = direction_.pull(rho, before) * kGradient;
  const Combination pulled = options_.momentum * kVelocity + gradient;
  const Combination velocity = project(of, pulled);
  const Combination ahead = options_.nesterov ? options_.momentum * velocity + gradient : pulled;
  const Combination g = -lr_ * ahead;
  const Turn turn = direction_.turn(of, g);
  const double left = std::sqrt(std::max(0.0, inner(of, turn.point, turn.point)));
  check(left < kTooLong, options_.direction, "the step of group ", groups_[block.group].name,
        " leads to a direction of length ", left, ", expected < ", kTooLong, "; try a smaller lr");
  if (!(left > kNothing * (before + std::sqrt(inner(of, g, g))))) {
    plan.rho.push_back(rho);
    plan.held += 1.0;
    return stay;
  }
  plan.force = std::max(plan.force, turn.force,
                        [](double a, double b) { return std::abs(a) < std::abs(b); });
  plan.shortened += turn.shortened ? 1.0 : 0.0;
  const double slope = direction_.back == Return::Free ? of.vg / before : of.vg;
  const double next = next_rho(block, row, slope, steps);
  plan.rho.push_back(next);
  SphereMove move{turn.point, velocity, next};
  if (direction_.back == Return::Free) move.weight = next / left;
  if (retracts(steps) && options_.p == 2.0) {
    move.point = (1.0 / left) * turn.point;
    plan.lengths.back() = left;
  }
  return move;
}

double NormConstrained::next_rho(const Block& block, std::size_t row, double slope,
                                 double steps) const {
  ScaleStep step;
  step.rho = block.rho.data<double>()[row];
  step.initial = block.initial_rho.data<double>()[row];
  step.slope = slope;
  step.lr = lr_;
  step.steps = steps;
  step.layers = static_cast<double>(blocks_.size());
  step.margin = margin_;
  const double next = scale_->next(step);
  check(next > 0.0 && std::isfinite(next), options_.direction, "rho of group ",
        groups_[block.group].name, " would go from ", step.rho, " to ", next,
        ", expected > 0 and finite; try a smaller ",
        options_.rho == "learned" ? "rho_lr" : "rate of rho");
  return next;
}

void NormConstrained::move_all(std::vector<Plan>& plans, bool measures) {
  std::vector<GroupMove> moves;
  for (Plan& plan : plans) {
    const Block& block = *plan.block;
    moves.push_back({{block.direction, block.velocity, plan.gradients, plan.rho.size()},
                     plan.moves,
                     empty_like(block.direction),
                     empty_like(block.velocity),
                     measures ? Tensors{} : next_weights(block)});
  }
  move(moves, options_.p);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i].block->direction = moves[i].v;
    plans[i].block->velocity = moves[i].u;
    if (!measures) set_weights(*plans[i].block, moves[i].w);
  }
  if (measures) retract_all(plans);
  for (std::size_t i = 0; i < plans.size(); ++i) commit(plans[i], moves[i].of.v);
}

void NormConstrained::retract_all(std::vector<Plan>& plans) {
  std::vector<GroupVectors> ends;
  ends.reserve(plans.size());
  for (const Plan& plan : plans) ends.push_back({plan.block->direction, {}, {}, plan.rho.size()});
  const std::vector<GroupProducts> of = products(ends, options_.p);
  std::vector<GroupMove> moves;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    Plan& plan = plans[i];
    std::vector<SphereMove> back;
    for (std::size_t r = 0; r < plan.rho.size(); ++r) {
      const double found = length(of[i].rows[r], options_.p);
      plan.lengths[r] = found > 0.0 ? found : 1.0;
      back.push_back({(1.0 / plan.lengths[r]) * kPoint, {}, plan.rho[r]});
    }
    const Tensors& direction = plan.block->direction;
    moves.push_back(
        {ends[i], std::vector(direction.size(), back), direction, {}, next_weights(*plan.block)});
  }
  move(moves, options_.p);
  for (std::size_t i = 0; i < plans.size(); ++i) set_weights(*plans[i].block, moves[i].w);
}

// Where they go.
Tensors NormConstrained::next_weights(const Block& block) const {
  Tensors out;
  for (const Variable& w : groups_[block.group].tensors)
    out.push_back(kernels::successor(w.value()));
  return out;
}

void NormConstrained::set_weights(const Block& block, const Tensors& weights) {
  for (std::size_t t = 0; t < weights.size(); ++t)
    groups_[block.group].tensors[t].set_value(weights[t]);
}

void NormConstrained::commit(Plan& plan, const Tensors& before) {
  Block& block = *plan.block;
  std::copy(plan.rho.begin(), plan.rho.end(), block.rho.data<double>());
  number(block.shortened) += plan.shortened;
  number(block.held) += plan.held;
  if (!auditing()) return;
  block.before = before;
  block.lengths = plan.lengths;
  block.force = plan.force;
}

State NormConstrained::entries() const {
  State out = unconstrained_.entries();
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
    const std::vector<GroupProducts> of =
        products({{block.direction, {}, {}, rows}, {block.before, {}, block.direction, rows}}, p);
    for (std::size_t r = 0; r < rows; ++r) {
      if (block.rho.data<double>()[r] == 0.0) continue;
      record.norm_deviation =
          std::max(record.norm_deviation, std::abs(length(of[0].rows[r], p) - 1.0));
      const Combination step = block.lengths[r] * kGradient + -1.0 * kPoint;  // G stands for V'
      const SphereProducts& moved = of[1].rows[r];
      const double squared = inner(moved, step, step);
      if (squared > 0.0)
        record.tangency = std::max(
            record.tangency, std::abs(inner(moved, kNormal, step)) / std::sqrt(moved.nn * squared));
    }
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace rho::optim
