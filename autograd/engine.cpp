#include "autograd/engine.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/ops/arithmetic.h"
#include "kernels/arithmetic.h"
#include "kernels/conv2d_chain.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "tensor/profile.h"

namespace rho {
namespace {

using NodeSet = std::unordered_set<const Node*>;

/// Nodes reachable from the roots through which some target is reached (targets included); every
/// reachable node when there are no targets. Iterative: depth is limited by memory, not by the
/// stack.
NodeSet useful_nodes(const std::vector<Root>& roots, const std::vector<const Node*>& targets) {
  std::uint64_t oldest = targets.empty() ? 0 : ~std::uint64_t{0};
  for (const Node* target : targets) oldest = std::min(oldest, target->order());
  NodeSet seen;
  std::vector<const Node*> reached;
  std::vector<const Node*> stack;
  const auto visit = [&](const Node* node) {
    // An older node can not lead to a target.
    if (node != nullptr && node->order() >= oldest && seen.insert(node).second)
      stack.push_back(node);
  };
  for (const Root& root : roots) visit(root.node.get());
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    const bool is_target = std::find(targets.begin(), targets.end(), node) != targets.end();
    check(is_target || !node->is_released(), node->op(),
          "its saved values were released by an earlier backward pass; ask that pass to "
          "retain_graph");
    reached.push_back(node);
    for (const auto& input : node->inputs()) visit(input.get());
  }
  if (targets.empty()) return seen;
  NodeSet useful(targets.begin(), targets.end());
  // Inputs are older than their users, so one pass from the oldest settles every node.
  std::sort(reached.begin(), reached.end(),
            [](const Node* a, const Node* b) { return a->order() < b->order(); });
  for (const Node* node : reached)
    for (const auto& input : node->inputs())
      if (input != nullptr && useful.contains(input.get())) useful.insert(node);
  return useful;
}

/// a + b; where the sum is not recorded, in the memory of one that nothing else sees, or put off
/// with one that is.
Variable accumulate(Variable a, Variable b) {
  for (auto [sum, other] : {std::pair(&a, &b), std::pair(&b, &a)})
    if (auto* const deferred = sum->deferred(); deferred != nullptr && !deferred->rest.defined()) {
      deferred->rest = kernels::contiguous(other->value());
      return std::move(*sum);
    }
  for (Variable* const sum : {&a, &b})
    if (sum->is_overwritable()) {
      kernels::add(a.value(), b.value(), sum->value());
      return std::move(*sum);
    }
  return add(a, b);
}

}  // namespace

Variable ones_like(const Variable& x) {
  return Variable(kernels::full(x.shape(), 1.0, x.dtype(), x.value().device()));
}

std::vector<Variable> run_backward(const std::vector<Root>& roots,
                                   const std::vector<const Node*>& targets, GradOptions options) {
  const GradMode mode(options.create_graph);
  const bool keep = options.create_graph || options.retain_graph;
  const ReleaseMode release(!keep);
  const NodeSet useful = useful_nodes(roots, targets);
  const NodeSet wanted(targets.begin(), targets.end());
  std::unordered_map<const Node*, Variable> captured;

  // Gradients waiting for the rest of their users. The newest node is always complete, because
  // every user of a value is newer than the value.
  std::unordered_map<const Node*, Variable> pending;
  const auto older = [](const auto& a, const auto& b) { return a->order() < b->order(); };
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, decltype(older)>
      queue(older);
  const auto send = [&](const std::shared_ptr<Node>& node, Variable g) {
    const auto [slot, is_new] = pending.try_emplace(node.get());
    if (is_new) queue.push(node);
    slot->second = is_new ? std::move(g) : accumulate(std::move(slot->second), std::move(g));
  };
  for (const Root& root : roots)
    if (useful.contains(root.node.get())) send(root.node, root.grad_output);

  while (!queue.empty()) {
    const std::shared_ptr<Node> node = queue.top();
    queue.pop();
    const ProfileScope scope(SpanKind::Operation, node->op(),
                             [&](Span& span) { span.layer = node->layer(); });
    Variable g = std::move(pending.extract(node.get()).mapped());
    if (wanted.contains(node.get())) captured[node.get()] = g;
    if (node->is_leaf()) {
      if (targets.empty()) node->backward(g);
      continue;
    }
    const bool leads_on =
        std::any_of(node->inputs().begin(), node->inputs().end(),
                    [&](const auto& input) { return useful.contains(input.get()); });
    if (!leads_on) continue;
    std::vector<Variable> grads = node->backward(g);
    g = {};
    check(grads.size() == node->inputs().size(), node->op(), "backward gave ", grads.size(),
          " gradients for ", node->inputs().size(), " inputs");
    for (std::size_t i = 0; i < grads.size(); ++i) {
      const auto& input = node->inputs()[i];
      if (!grads[i].defined() || !useful.contains(input.get())) continue;
      const bool takes = input->takes_deferred() && !wanted.contains(input.get());
      if (!takes) grads[i].value();  // which computes it here, in the span of this operation
      send(input, std::move(grads[i]));
    }
    if (!keep) node->release();
  }

  std::vector<Variable> out;
  out.reserve(targets.size());
  for (const Node* target : targets) out.push_back(captured[target]);
  return out;
}

std::vector<Variable> grad(const std::vector<Variable>& outputs,
                           const std::vector<Variable>& inputs,
                           const std::vector<Variable>& grad_outputs, GradOptions options) {
  check(grad_outputs.empty() || grad_outputs.size() == outputs.size(), "grad", outputs.size(),
        " outputs but ", grad_outputs.size(), " grad_outputs");
  check(!inputs.empty(), "grad", "no inputs to differentiate by");
  std::vector<Root> roots;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Variable& output = outputs[i];
    const bool implicit = grad_outputs.empty();
    check(!implicit || output.numel() == 1, "grad", "output ", i, " has shape ", output.shape(),
          ": give its grad_output");
    check(implicit || grad_outputs[i].shape() == output.shape(), "grad", "output ", i,
          " has shape ", output.shape(), ", its grad_output ",
          implicit ? Shape{} : grad_outputs[i].shape());
    if (output.requires_grad())
      roots.push_back({output.node(), implicit ? ones_like(output) : grad_outputs[i]});
  }
  std::vector<const Node*> targets;
  for (const Variable& input : inputs) {
    check(input.requires_grad(), "grad", "an input does not require a gradient");
    targets.push_back(input.node().get());
  }
  return run_backward(roots, targets, options);
}

}  // namespace rho
