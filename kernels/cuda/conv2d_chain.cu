#include "kernels/bias_relu_grad.h"
#include "kernels/conv2d_chain.h"
#include "kernels/cuda/conv2d.h"

namespace rho::kernels {
namespace {

void compute_on_device(const InputGradient& gradient, const Tensor& out) {
  cuda::conv2d_input_grad(gradient.grad_y, gradient.w, gradient.options, gradient.rest,
                          out.view(gradient.shape));
}

void batch_norm_grad_cuda(const InputGradient& gradient, const Tensor& x,
                          const BatchNormArguments& with, const Tensor& y,
                          const BatchNormGradients& grads) {
  const Tensor& grad_y = grads.through_y(with) ? grads.residual : grads.x;
  compute_on_device(gradient, grad_y);
  batch_norm_grad(x, with, y, grad_y, grads);
}

void bias_relu_grad_cuda(const InputGradient& gradient, const Tensor& y, const Tensor& grad_x,
                         const Tensor& grad_bias) {
  compute_on_device(gradient, grad_x);
  bias_relu_grad(y, grad_x, grad_x, grad_bias);
}

const Fill fill_batch_norm_grad{conv2d_batch_norm_grad, DeviceType::CUDA, &batch_norm_grad_cuda};
const Fill fill_bias_relu_grad{conv2d_bias_relu_grad, DeviceType::CUDA, &bias_relu_grad_cuda};

}  // namespace
}  // namespace rho::kernels
