#include "kernels/bias_relu_grad.h"
#include "kernels/cuda/batch_norm.cuh"
#include "kernels/cuda/conv2d.h"
#include "kernels/cuda/winograd.cuh"

namespace rho::kernels {
namespace {

struct IntoBatchNorm {
  using State = cuda::Sums<2>;
  const float* rest;  // null: none
  cuda::MaskGradients<float> mask;
  cuda::StoreGradients<float> store;

  struct Read {
    float rest;
    cuda::MaskGradients<float>::Element element;
  };
  struct OfChannel {
    const float* rest;
    cuda::MaskGradients<float> mask;
    cuda::Channel<float> of;
    __device__ Read read(std::int64_t at) const {
      return {cuda::value_or_0(rest, at), mask.read(at)};
    }
    __device__ float operator()(float value, const Read& read, State& sums) const {
      return mask(of, read.element, value + read.rest, sums);
    }
  };
  __device__ OfChannel channel(int c) const { return {rest, mask, mask.channels[c]}; }
  __device__ void conclude(int channel, const State& sums) const { store(0, channel, sums); }
};

struct IntoBiasAndRelu {
  using State = cuda::Sums<1>;
  const float *rest, *y;  // rest may be null
  float* grad_bias;

  struct Read {
    float rest, y;
  };
  struct OfChannel {
    const float *rest, *y;
    __device__ Read read(std::int64_t at) const { return {cuda::value_or_0(rest, at), y[at]}; }
    __device__ float operator()(float value, const Read& read, State& sums) const {
      const float g = read.y > 0 ? value + read.rest : 0.0F;
      sums.value[0] += static_cast<double>(g);
      return g;
    }
  };
  __device__ OfChannel channel(int) const { return {rest, y}; }
  __device__ void conclude(int channel, const State& sums) const {
    grad_bias[channel] = static_cast<float>(sums.value[0]);
  }
};

bool takes_winograd(const InputGradient& of, DType dtype) {
  return cuda::takes_winograd(dtype, of.shape, of.w.shape(), of.grad_y.shape(), of.options);
}

void compute_on_device(const InputGradient& gradient, const Tensor& out) {
  cuda::conv2d_input_grad(gradient.grad_y, gradient.w, gradient.options, gradient.rest,
                          out.view(gradient.shape));
}

void batch_norm_grad_cuda(const InputGradient& gradient, const Tensor& x,
                          const BatchNormArguments& with, const Tensor& y,
                          const BatchNormGradients& grads) {
  if (takes_winograd(gradient, x.dtype()))
    return cuda::winograd_batch_norm_grad(gradient, x, with, y, grads);
  const Tensor& grad_y = grads.through_y(with) ? grads.residual : grads.x;
  compute_on_device(gradient, grad_y);
  batch_norm_grad(x, with, y, grad_y, grads);
}

void bias_relu_grad_cuda(const InputGradient& gradient, const Tensor& y, const Tensor& grad_x,
                         const Tensor& grad_bias) {
  if (takes_winograd(gradient, y.dtype()))
    return cuda::winograd_bias_relu_grad(gradient, y, grad_x, grad_bias);
  compute_on_device(gradient, grad_x);
  bias_relu_grad(y, grad_x, grad_x, grad_bias);
}

const Fill fill_batch_norm_grad{conv2d_batch_norm_grad, DeviceType::CUDA, &batch_norm_grad_cuda};
const Fill fill_bias_relu_grad{conv2d_bias_relu_grad, DeviceType::CUDA, &bias_relu_grad_cuda};

}  // namespace

void cuda::winograd_batch_norm_grad(const InputGradient& gradient, const Tensor& x,
                                    const BatchNormArguments& with, const Tensor& y,
                                    const BatchNormGradients& grads) {
  const Tensor& g = grads.through_y(with) ? grads.residual : grads.x;
  expect_batch_norm_grad(x, with, y, g, grads);
  const Tensor grad = g.view(gradient.shape);
  expect_conv2d(grad, gradient.w, gradient.grad_y, gradient.options);
  const BatchNormGradientPasses<float> passes("conv2d_batch_norm_grad", x, with, y, grads);
  winograd_input_grad_then(
      gradient.grad_y, gradient.w, gradient.options,
      IntoBatchNorm{gradient.rest.data_or_null<float>(), passes.mask(), passes.store()}, grad);
  passes.second(g, true);
}

void cuda::winograd_bias_relu_grad(const InputGradient& gradient, const Tensor& y,
                                   const Tensor& grad_x, const Tensor& grad_bias) {
  expect_bias_relu_grad(y, grad_x, grad_x, grad_bias);
  const Tensor grad = grad_x.view(gradient.shape);
  expect_conv2d(grad, gradient.w, gradient.grad_y, gradient.options);
  winograd_input_grad_then(gradient.grad_y, gradient.w, gradient.options,
                           IntoBiasAndRelu{gradient.rest.data_or_null<float>(), y.data<float>(),
                                           grad_bias.data<float>()},
                           grad);
}

}  // namespace rho::kernels
