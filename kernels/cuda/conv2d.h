// What the operations that a convolution is part of (kernels/conv2d_chain.h) take of it.
#pragma once

#include "kernels/conv2d.h"

namespace rho::kernels::cuda {

/// grad_x = conv2d_input_grad + rest, as its contract says. `rest` is contiguous, of as many
/// elements, and may lie in grad_x's memory; undefined: nothing is added.
void conv2d_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                       const Tensor& rest, const Tensor& grad_x);

}  // namespace rho::kernels::cuda
