// Rectifier.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// max(x, 0), any shape; derivative 0 at 0.
Variable relu(const Variable& x);
/// Its derivative: g where y > 0, else 0, with y = relu(x); linear in g.
Variable relu_mask(const Variable& g, const Tensor& y);
/// The same as a Backward takes it: it may write over grad_output.
Variable relu_backward(const Variable& grad_output, const Tensor& y);

}  // namespace rho
