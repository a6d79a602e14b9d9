#include "kernels/conv2d_chain.h"

#include "kernels/arithmetic.h"
#include "kernels/bias_relu_grad.h"

namespace rho::kernels {

void compute(const InputGradient& gradient, const Tensor& out) {
  const auto& [grad_y, w, options, shape, rest] = gradient;
  const Tensor grad_x = out.view(shape);
  if (!rest.defined()) return conv2d_input_grad(grad_y, w, options, grad_x);
  const Tensor of_conv2d = Tensor::empty(shape, out.dtype(), out.device());
  conv2d_input_grad(grad_y, w, options, of_conv2d);
  add(of_conv2d, rest.view(shape), grad_x);
}

void conv2d_then_batch_norm_grad(const InputGradient& gradient, const Tensor& x,
                                 const BatchNormArguments& with, const Tensor& y,
                                 const BatchNormGradients& grads) {
  const Tensor& grad_y = grads.through_y(with) ? grads.residual : grads.x;
  compute(gradient, grad_y);
  batch_norm_grad(x, with, y, grad_y, grads);
}

void conv2d_then_bias_relu_grad(const InputGradient& gradient, const Tensor& y,
                                const Tensor& grad_x, const Tensor& grad_bias) {
  compute(gradient, grad_x);
  bias_relu_grad(y, grad_x, grad_x, grad_bias);
}

}  // namespace rho::kernels
