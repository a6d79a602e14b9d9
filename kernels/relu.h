// Contract of the rectifier; shapes and strides as in kernels/arithmetic.h.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// out = max(x, 0); NaN stays NaN.
inline constinit Slot<void(const Tensor& x, const Tensor& out)> relu{"relu"};
/// out = grad where y > 0, else 0, with y = relu(x); it may be grad itself.
inline constinit Slot<void(const Tensor& y, const Tensor& grad, const Tensor& out)> relu_grad{
    "relu_grad"};

}  // namespace rho::kernels
