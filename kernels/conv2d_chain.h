// Contracts of the chain rule through two operations at once: a convolution's input gradient goes
// on through what made the input, in one pass over memory where that can be. The results are those
// of the separate operations.
#pragma once

#include "kernels/batch_norm.h"
#include "kernels/conv2d.h"

namespace rho::kernels {

/// A gradient that is not computed yet: that of the input of a convolution, and of the input's
/// other users.
struct InputGradient {
  Tensor grad_y, w;  ///< of conv2d_input_grad
  Conv2dOptions options;
  Shape shape;  ///< of the input, [N, H, W, C]
  Tensor rest;  ///< of the other users, contiguous; undefined: there are none

  void for_each_tensor(const auto& visit) const {
    for (const Tensor* tensor : {&grad_y, &w, &rest}) visit(*tensor);
  }
};

/// The gradient into `out`, contiguous and of as many elements, which may lie in the memory of
/// `rest`.
void compute(const InputGradient& gradient, const Tensor& out);

/// batch_norm_grad whose grad_y is `gradient`, seen as [R, C]. grads.residual, or where there is
/// none grads.x, may lie in the memory of gradient.rest.
inline constinit Slot<void(const InputGradient& gradient, const Tensor& x,
                           const BatchNormArguments& with, const Tensor& y,
                           const BatchNormGradients& grads)>
    conv2d_batch_norm_grad{"conv2d_batch_norm_grad"};

/// bias_relu_grad whose grad_y is `gradient`, seen as [R, C]. grad_x may lie in the memory of
/// gradient.rest.
inline constinit Slot<void(const InputGradient& gradient, const Tensor& y, const Tensor& grad_x,
                           const Tensor& grad_bias)>
    conv2d_bias_relu_grad{"conv2d_bias_relu_grad"};

// The operations one after the other, for devices and shapes that have nothing better.
void conv2d_then_batch_norm_grad(const InputGradient& gradient, const Tensor& x,
                                 const BatchNormArguments& with, const Tensor& y,
                                 const BatchNormGradients& grads);
void conv2d_then_bias_relu_grad(const InputGradient& gradient, const Tensor& y,
                                const Tensor& grad_x, const Tensor& grad_bias);

}  // namespace rho::kernels
