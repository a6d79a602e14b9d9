// Contract of the way back through a bias and a rectifier. All tensors are contiguous, of one
// floating dtype; y and the gradients are [R, C], the bias [C].
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// With y = max(x + bias, 0): grad_x is grad_y where y > 0, else 0, and grad_bias its sum over
/// rows. grad_x may be grad_y itself.
inline constinit Slot<void(const Tensor& y, const Tensor& grad_y, const Tensor& grad_x,
                           const Tensor& grad_bias)>
    bias_relu_grad{"bias_relu_grad"};

/// What it requires; throws, naming it.
void expect_bias_relu_grad(const Tensor& y, const Tensor& grad_y, const Tensor& grad_x,
                           const Tensor& grad_bias);

}  // namespace rho::kernels
