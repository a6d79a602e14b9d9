#include "autograd/variable.h"

#include <utility>

#include "autograd/engine.h"
#include "autograd/node.h"
#include "autograd/ops/arithmetic.h"
#include "kernels/conv2d_chain.h"
#include "kernels/copy.h"

namespace rho {
namespace {

thread_local bool recording = true;
thread_local bool releasing = false;

}  // namespace

struct Variable::Impl {
  Tensor value;
  std::unique_ptr<kernels::InputGradient> deferred;  // of which the value is made
  std::shared_ptr<Node> node;                        // null: a constant
  Variable grad;
};

Variable::Variable(Tensor value, bool requires_grad) : impl_(std::make_shared<Impl>()) {
  check(value.defined(), "variable", "expects a defined tensor");
  check(!requires_grad || is_floating(value.dtype()), "variable",
        "a gradient needs a floating dtype, found ", value.dtype());
  impl_->value = std::move(value);
  if (!requires_grad) return;
  // A leaf's rule adds to its grad(); it must not keep the leaf alive.
  auto accumulate = [leaf = std::weak_ptr<Impl>(impl_)](const Variable& g) {
    if (const auto impl = leaf.lock()) impl->grad = impl->grad.defined() ? add(impl->grad, g) : g;
    return std::vector<Variable>{};
  };
  impl_->node = std::make_shared<Node>("leaf", std::vector<std::shared_ptr<Node>>{}, accumulate);
}

Variable::Variable(kernels::InputGradient gradient) : impl_(std::make_shared<Impl>()) {
  impl_->deferred = std::make_unique<kernels::InputGradient>(std::move(gradient));
}

const Tensor& Variable::value() const {
  check(defined(), "variable", "is undefined");
  if (const auto deferred = std::exchange(impl_->deferred, nullptr)) {
    impl_->value = room_for(*deferred);
    kernels::compute(*deferred, impl_->value);
  }
  return impl_->value;
}

kernels::InputGradient* Variable::deferred() const {
  check(defined(), "variable", "is undefined");
  return impl_->deferred.get();
}

bool Variable::requires_grad() const { return defined() && impl_->node != nullptr; }

bool Variable::is_leaf() const { return !requires_grad() || impl_->node->is_leaf(); }

bool Variable::is_overwritable() const {
  return !recording && impl_.use_count() == 1 && value().is_unique() && value().is_contiguous();
}

void Variable::set_value(Tensor value, bool reshape) {
  check(defined() && is_leaf(), "set_value", "only a leaf can be given a value");
  check(reshape || (value.shape() == shape() && value.dtype() == dtype()), "set_value", "expects ",
        dtype(), ' ', shape(), ", found ", value.dtype(), ' ', value.shape());
  impl_->value = std::move(value);
}

const Variable& Variable::grad() const {
  check(defined(), "grad", "the variable is undefined");
  return impl_->grad;
}

void Variable::set_grad(Variable grad) {
  check(defined() && is_leaf(), "set_grad", "only a leaf holds a gradient");
  check(!grad.defined() || grad.shape() == shape(), "set_grad", "expects shape ", shape(),
        ", found ", grad.defined() ? grad.shape() : Shape{});
  impl_->grad = std::move(grad);
}

Variable Variable::detach() const { return Variable(value()); }

const std::shared_ptr<Node>& Variable::node() const {
  check(defined(), "variable", "is undefined");
  return impl_->node;
}

Overwrite overwrite(const Variable& grad_output) {
  const bool own = grad_output.is_overwritable() || !grad_output.value().is_contiguous();
  const Tensor g = kernels::contiguous(grad_output.value());
  return {g, own ? g : Tensor::empty(g.shape(), g.dtype(), g.device())};
}

Tensor room_for(const kernels::InputGradient& deferred) {
  const auto& [grad_y, w, options, shape, rest] = deferred;
  if (rest.defined() && rest.is_unique()) return rest.view(shape);
  return Tensor::empty(shape, grad_y.dtype(), grad_y.device());
}

bool is_spent(const Tensor& saved) { return releasing && saved.is_unique(); }

ReleaseMode::ReleaseMode(bool releases) : ModeGuard(releasing, releases) {}

bool grad_enabled() { return recording; }

GradMode::GradMode(bool enabled) : ModeGuard(recording, enabled) {}

Variable record(std::string_view op, Tensor value, const std::vector<Variable>& inputs,
                Backward backward) {
  Variable out(std::move(value));
  if (!recording) return out;
  std::vector<std::shared_ptr<Node>> nodes;
  nodes.reserve(inputs.size());
  bool any = false;
  for (const Variable& input : inputs) {
    nodes.push_back(input.defined() ? input.node() : nullptr);
    any = any || nodes.back() != nullptr;
  }
  if (any) out.impl_->node = std::make_shared<Node>(op, std::move(nodes), std::move(backward));
  return out;
}

Variable record_fused(std::string_view op, Tensor value, const std::vector<Variable>& inputs,
                      Backward fast, std::function<Variable(std::span<const Variable>)> composite,
                      Takes takes) {
  auto backward = [inputs, fast = std::move(fast),
                   composite = std::move(composite)](const Variable& g) -> std::vector<Variable> {
    if (!grad_enabled()) return fast(g);
    // Aliases: one input may be computed from another, and only the direct dependence counts here.
    std::vector<Variable> aliases;
    std::vector<Variable> wanted;
    std::vector<std::size_t> position;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Variable& input = inputs[i];
      if (!input.requires_grad()) {
        aliases.push_back(input);
        continue;
      }
      aliases.push_back(record("alias", input.value(), {input},
                               [](const Variable& h) { return std::vector<Variable>{h}; }));
      wanted.push_back(aliases.back());
      position.push_back(i);
    }
    const std::vector<Variable> found =
        grad({composite(aliases)}, wanted, {g}, {.create_graph = true});
    std::vector<Variable> out(inputs.size());
    for (std::size_t i = 0; i < found.size(); ++i) out[position[i]] = found[i];
    return out;
  };
  Variable out = record(op, std::move(value), inputs, std::move(backward));
  if (takes == Takes::Deferred && out.requires_grad()) out.node()->take_deferred();
  return out;
}

void Variable::backward(bool retain_graph, bool create_graph) const {
  check(requires_grad(), "backward",
        "the variable does not depend on anything that requires a gradient");
  check(numel() == 1, "backward", "expects one element, found shape ", shape());
  run_backward({{node(), ones_like(*this)}}, {},
               {.create_graph = create_graph, .retain_graph = retain_graph});
}

}  // namespace rho
