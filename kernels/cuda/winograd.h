// Convolutions of 3 x 3 taps and stride 1 in float by Winograd's minimal filtering: the scheme of
// kernels/cpu/winograd.h, which has the bound on its rounding, with 36 multiplications for 4 x 4
// outputs instead of 144.
#pragma once

#include "kernels/conv2d_chain.h"

namespace rho::kernels::cuda {

/// Whether the convolutions of x, w and y go this way: where this thread asks for our own products
/// in IEEE arithmetic, of float32, the algorithm can be used, and the shapes are so large that it
/// pays.
bool takes_winograd(DType dtype, const Shape& x, const Shape& w, const Shape& y,
                    const Conv2dOptions& options);

// As the contracts say, of any extents where w is [O, 3, 3, C] and the options have the stride 1
// and one group.

void winograd_forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                      const Conv2dEpilogue& then, const Tensor& y);
/// With what else its contract names in the same launch.
void winograd_with_statistics(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                              const Tensor& y, const Tensor& mean, const Tensor& variance);
/// + rest, where it is defined (kernels/cuda/conv2d.h).
void winograd_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                         const Tensor& rest, const Tensor& grad_x);
void winograd_weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                          const Tensor& grad_w);

// conv2d_batch_norm_grad and conv2d_bias_relu_grad: the gradient goes through the rectifier and
// into the sums before it is stored.
void winograd_batch_norm_grad(const InputGradient& gradient, const Tensor& x,
                              const BatchNormArguments& with, const Tensor& y,
                              const BatchNormGradients& grads);
void winograd_bias_relu_grad(const InputGradient& gradient, const Tensor& y, const Tensor& grad_x,
                             const Tensor& grad_bias);

}  // namespace rho::kernels::cuda
