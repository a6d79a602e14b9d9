#include "optim/tangent_gradient.h"

#include <algorithm>
#include <cmath>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "tensor/text.h"

namespace rho::optim {
namespace {

std::vector<Group> unconstrained(const std::vector<Group>& groups) {
  std::vector<Group> out;
  std::copy_if(groups.begin(), groups.end(), std::back_inserter(out),
               [](const Group& group) { return !group.constrained; });
  return out;
}

}  // namespace

TangentGradient::TangentGradient(std::vector<Group> groups, double lr,
                                 const TangentGradientOptions& options)
    : Optimizer(std::move(groups), lr),
      options_(options),
      growth_(parse_growth(options.rho)),
      steps_(make_number(0.0)),
      unconstrained_(unconstrained(groups_), lr, {options.momentum, options.nesterov, 0.0}) {
  kernels::check_norm_order(options.p, "tangent-gradient");
  check(options.weight_decay >= 0.0 && std::isfinite(options.weight_decay), "tangent-gradient",
        "weight_decay is ", options.weight_decay, ", expected >= 0 and finite");
  check(options.weight_decay == 0.0 || !growth_, "tangent-gradient",
        "weight_decay acts on a learned rho, but rho is ", options.rho);
  check(std::isfinite(options.rho_lr), "tangent-gradient", "rho_lr is ", options.rho_lr,
        ", expected a finite number");
  check(options.retract_every >= 1, "tangent-gradient", "retract_every is ", options.retract_every,
        ", expected >= 1");
  for (std::size_t k = 0; k < groups_.size(); ++k)
    if (groups_[k].constrained) points_.push_back(start(k));
}

TangentGradient::Growth TangentGradient::parse_growth(const std::string& rho) {
  if (rho == "learned") return {};
  if (rho == "fixed") return [](double) { return 0.0; };
  const std::vector<std::string> fields = split(rho, ':');
  const auto rate = fields.size() == 2 ? parse_number<double>(fields[1]) : std::nullopt;
  if (rate && fields[0] == "linear") return [=](double steps) { return *rate * steps; };
  if (rate && fields[0] == "log") return [=](double steps) { return *rate * std::log1p(steps); };
  fail("tangent-gradient", "rho is \"", rho, "\", expected learned, fixed, linear:RATE or log:C");
}

TangentGradient::Point TangentGradient::start(std::size_t group) const {
  Point point{group, {}, {}, {}, {}};
  for (const Variable& w : groups_[group].tensors) {
    point.direction.push_back(kernels::clone(w.value()));
    if (options_.momentum > 0.0)
      point.velocity.push_back(kernels::zeros(w.shape(), w.dtype(), w.value().device()));
  }
  const double length = norm(point.direction, options_.p);
  check(length > 0.0 && std::isfinite(length), "tangent-gradient", "group ", groups_[group].name,
        " has norm ", length, ", expected a positive finite norm");
  normalize(point.direction, options_.p);
  point.rho = make_number(length);
  point.initial_rho = make_number(length);
  return point;
}

void TangentGradient::step() {
  check_gradients();
  const double steps = number(steps_) + 1.0;
  // Everything that can fail comes before the first change.
  std::vector<std::pair<Point*, Point>> moves;
  for (Point& point : points_) {
    const Tensors g = gradients(groups_[point.group]);
    if (!g.empty()) moves.emplace_back(&point, moved(point, g, steps));
  }
  unconstrained_.set_lr(lr_);
  unconstrained_.step();
  for (auto& [point, to] : moves) {
    *point = std::move(to);
    const Tensors w = combine(number(point->rho), point->direction, 0.0, point->direction);
    std::vector<Variable>& tensors = groups_[point->group].tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].set_value(w[i]);
  }
  number(steps_) = steps;
}

State TangentGradient::entries() const {
  State out = unconstrained_.entries();
  for (const Point& point : points_) {
    const Group& group = groups_[point.group];
    append(out, group, "direction", point.direction);
    append(out, group, "velocity", point.velocity);
    out.emplace_back(group.name + "/rho", point.rho);
    out.emplace_back(group.name + "/initial_rho", point.initial_rho);
  }
  out.emplace_back("steps", steps_);
  return out;
}

// Empty where no tensor of the group has a gradient.
Tensors TangentGradient::gradients(const Group& group) const {
  Tensors out;
  bool any = false;
  for (const Variable& w : group.tensors) {
    const Tensor g = gradient(w);
    any = any || g.defined();
    out.push_back(g.defined() ? g : kernels::zeros(w.shape(), w.dtype(), w.value().device()));
  }
  return any ? out : Tensors{};
}

TangentGradient::Point TangentGradient::moved(const Point& from, const Tensors& g,
                                              double steps) const {
  const double rho = number(from.rho);
  const Tensors& v = from.direction;
  Point to = from;
  to.rho = make_number(next_rho(from, g, steps));

  const Tensors nu = normal(v, options_.p);
  const auto pushed = [&](const Tensors& velocity) {
    return project(nu, velocity.empty() ? combine(rho, g, 0.0, g)
                                        : combine(options_.momentum, velocity, rho, g));
  };
  const Tensors velocity = pushed(from.velocity);
  to.direction = combine(1.0, v, -lr_, options_.nesterov ? pushed(velocity) : velocity);
  if (!from.velocity.empty()) to.velocity = velocity;
  if (static_cast<std::int64_t>(steps) % options_.retract_every == 0)
    normalize(to.direction, options_.p);
  return to;
}

double TangentGradient::next_rho(const Point& from, const Tensors& g, double steps) const {
  const double rho = number(from.rho);
  const double rate = options_.rho_lr < 0.0 ? lr_ : options_.rho_lr;
  const double next = growth_ ? number(from.initial_rho) + growth_(steps)
                              : rho - rate * (dot(from.direction, g) + options_.weight_decay * rho);
  check(next > 0.0 && std::isfinite(next), "tangent-gradient", "rho of group ",
        groups_[from.group].name, " would go from ", rho, " to ", next,
        ", expected > 0 and finite; try a smaller ", growth_ ? "rate of rho" : "rho_lr");
  return next;
}

}  // namespace rho::optim
