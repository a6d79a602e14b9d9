// The backward pass. Internal to autograd; users call grad() and Variable::backward().
#pragma once

#include <memory>
#include <vector>

#include "autograd/node.h"

namespace rho {

struct Root {
  std::shared_ptr<Node> node;
  Variable grad_output;
};

/// Propagates from the roots, newest operation first. With `targets`, only through operations that
/// lead to one of them, and returns their gradients in order; without, into every leaf's grad().
std::vector<Variable> run_backward(const std::vector<Root>& roots,
                                   const std::vector<const Node*>& targets, GradOptions options);

/// Ones of the variable's shape: the gradient that a pass starts from.
Variable ones_like(const Variable& x);

}  // namespace rho
