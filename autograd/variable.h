// Variable: a tensor value that remembers how it was computed. record() is how operations are made.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace rho {

class Node;
namespace kernels {
struct InputGradient;
}

/// A handle to a value in the graph; copies are the same variable. Undefined when
/// default-constructed (which stands for "no gradient").
class Variable {
 public:
  Variable() = default;
  explicit Variable(Tensor value, bool requires_grad = false);
  /// A gradient whose computation is put off until somebody asks for its value, or the operation
  /// that it arrives at computes its own along with it. No graph leads to it.
  explicit Variable(kernels::InputGradient gradient);

  bool defined() const { return impl_ != nullptr; }
  const Tensor& value() const;
  /// What the value is still to be computed from; null once it is there.
  kernels::InputGradient* deferred() const;
  const Shape& shape() const { return value().shape(); }
  std::int64_t size(std::int64_t dim) const { return value().size(dim); }
  int rank() const { return value().rank(); }
  std::int64_t numel() const { return value().numel(); }
  DType dtype() const { return value().dtype(); }
  double item() const { return value().item(); }

  bool requires_grad() const;
  bool is_leaf() const;
  /// True where an operation that records no graph may write over the value: it is contiguous, and
  /// no other variable and no tensor sees its memory.
  bool is_overwritable() const;
  /// Replaces a leaf's value (an optimizer's step, a loaded checkpoint). Shape and dtype must match
  /// unless `reshape` is set.
  void set_value(Tensor value, bool reshape = false);

  /// The gradient that backward() accumulated into this leaf; undefined before the first.
  const Variable& grad() const;
  void set_grad(Variable grad);
  void zero_grad() { set_grad({}); }

  /// The same value outside the graph.
  Variable detach() const;

  /// Accumulates d(this)/d(leaf) into every leaf's grad(). This must hold one element.
  void backward(bool retain_graph = false, bool create_graph = false) const;

  const std::shared_ptr<Node>& node() const;

 private:
  struct Impl;
  friend Variable record(std::string_view, Tensor, const std::vector<Variable>&,
                         std::function<std::vector<Variable>(const Variable&)>);
  std::shared_ptr<Impl> impl_;
};

/// Maps the gradient of an operation's output to one gradient per input, in order; an undefined
/// entry means "no gradient". It computes with Variables, so that it can itself be differentiated.
/// It may capture inputs as Variables, but the output only as a Tensor (a Variable would be a
/// cycle).
using Backward = std::function<std::vector<Variable>(const Variable& grad_output)>;

/// A gradient to read, contiguous, and where a Backward may write another of its shape, element by
/// element as it reads: over it, unless somebody else sees it.
struct Overwrite {
  Tensor from, to;
};
/// To be asked for before another tensor sees grad_output's value.
Overwrite overwrite(const Variable& grad_output);
/// Where a Backward may have a deferred gradient written: a tensor of its shape.
Tensor room_for(const kernels::InputGradient& deferred);

/// Whether a Backward may write over `saved`, which its operation kept for it: the operation is
/// released after it, and nobody else sees that memory.
bool is_spent(const Tensor& saved);

/// Sets a mode of this thread for the lifetime of the guard.
class ModeGuard {
 public:
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 protected:
  ModeGuard(bool& mode, bool value) : mode_(mode), before_(std::exchange(mode, value)) {}
  ~ModeGuard() { mode_ = before_; }

 private:
  bool& mode_;
  bool before_;
};

/// Whether a backward pass releases each operation after its turn.
struct ReleaseMode : ModeGuard {
  explicit ReleaseMode(bool releases);
};

/// The result `value` of operation `op` on `inputs`. Without a gradient-requiring input, or under
/// NoGrad, `backward` is dropped and the result is a constant.
Variable record(std::string_view op, Tensor value, const std::vector<Variable>& inputs,
                Backward backward);

/// What a Backward is handed: gradients that have their values, or also those whose computation was
/// put off (Variable::deferred).
enum class Takes { Values, Deferred };

/// A fused operation: under create_graph its gradient is that of `composite`, which computes the
/// same value from `inputs` out of differentiable operations; otherwise it is `fast`, which takes
/// what `takes` says. Of that value only derivatives are taken.
Variable record_fused(std::string_view op, Tensor value, const std::vector<Variable>& inputs,
                      Backward fast, std::function<Variable(std::span<const Variable>)> composite,
                      Takes takes = Takes::Values);

/// True when operations record their graph (the default).
bool grad_enabled();

/// Whether operations record their graph.
struct GradMode : ModeGuard {
  explicit GradMode(bool enabled);
};
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

struct GradOptions {
  bool create_graph = false;  ///< the gradients can be differentiated again
  bool retain_graph = false;  ///< keep saved values for another pass (implied by create_graph)
};

/// Vector-Jacobian products: for each input the sum over outputs of grad_output^T d output / d
/// input. An empty `grad_outputs` stands for ones, allowed for one-element outputs. An input that
/// no output depends on gets an undefined Variable.
std::vector<Variable> grad(const std::vector<Variable>& outputs,
                           const std::vector<Variable>& inputs,
                           const std::vector<Variable>& grad_outputs = {},
                           GradOptions options = {});

}  // namespace rho
