#include "autograd/ops/conv2d.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "kernels/bias_relu.h"
#include "kernels/copy.h"
#include "kernels/relu.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;

// y(x, w) and its two gradients are bilinear, and the gradients of each are the other two: the
// three operations are closed under differentiation.
Variable input_grad(const Variable& grad_y, const Variable& w, const Conv2dOptions& options,
                    const Shape& x_shape);
Variable weight_grad(const Variable& x, const Variable& grad_y, const Conv2dOptions& options,
                     const Shape& w_shape);

Tensor run(const kernels::Slot<kernels::Conv2dKernel>& kernel, const Variable& a, const Variable& b,
           const Conv2dOptions& options, const Shape& shape) {
  Tensor out = Tensor::empty(shape, a.dtype(), a.value().device());
  kernel(kernels::contiguous(a.value()), kernels::contiguous(b.value()), options, out);
  return out;
}

Variable input_grad(const Variable& grad_y, const Variable& w, const Conv2dOptions& options,
                    const Shape& x_shape) {
  return record("conv2d_input_grad", run(kernels::conv2d_input_grad, grad_y, w, options, x_shape),
                {grad_y, w}, [=](const Variable& grad) -> std::vector<Variable> {
                  Variable by_grad_y, by_w;
                  if (grad_y.requires_grad()) by_grad_y = conv2d(grad, w, options);
                  if (w.requires_grad()) by_w = weight_grad(grad, grad_y, options, w.shape());
                  return {by_grad_y, by_w};
                });
}

Variable weight_grad(const Variable& x, const Variable& grad_y, const Conv2dOptions& options,
                     const Shape& w_shape) {
  return record("conv2d_weight_grad", run(kernels::conv2d_weight_grad, x, grad_y, options, w_shape),
                {x, grad_y}, [=](const Variable& grad) -> std::vector<Variable> {
                  Variable by_x, by_grad_y;
                  if (x.requires_grad()) by_x = input_grad(grad_y, grad, options, x.shape());
                  if (grad_y.requires_grad()) by_grad_y = conv2d(x, grad, options);
                  return {by_x, by_grad_y};
                });
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Conv2dOptions& options) {
  const Shape shape = kernels::conv2d_shape(x.shape(), weight.shape(), options);
  return record("conv2d", run(kernels::conv2d_forward, x, weight, options, shape), {x, weight},
                [=](const Variable& grad) -> std::vector<Variable> {
                  Variable by_x, by_weight;
                  if (x.requires_grad()) by_x = input_grad(grad, weight, options, x.shape());
                  if (weight.requires_grad())
                    by_weight = weight_grad(x, grad, options, weight.shape());
                  return {by_x, by_weight};
                });
}

namespace {

/// Of y = relu?(z + bias): the gradients of z and of the bias, where there is one.
struct LinearGradients {
  Variable z, bias;
};
LinearGradients behind(const Variable& grad, const Tensor& y, const Shape& bias, bool relu) {
  const bool with_bias = bias.size() == 1;
  if (!relu) return {grad, with_bias ? sum_to(grad, bias) : Variable()};
  if (!with_bias) return {relu_backward(grad, y), {}};
  const auto [g, grad_z] = overwrite(grad);
  const Tensor grad_bias = Tensor::empty(bias, y.dtype(), y.device());
  const Shape rows{bias[0] == 0 ? 0 : y.numel() / bias[0], bias[0]};
  kernels::bias_relu_grad(y.view(rows), g.view(rows), grad_z.view(rows), grad_bias);
  return {Variable(grad_z), Variable(grad_bias)};
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Conv2dOptions& options,
                const Variable& bias, bool relu) {
  if (!bias.defined() && !relu) return conv2d(x, weight, options);
  const Shape shape = kernels::conv2d_shape(x.shape(), weight.shape(), options);
  const bool with_bias = bias.defined();
  check(!with_bias || (bias.rank() == 1 && bias.size(0) == shape.back()), "conv2d",
        "expects a bias [O] of the ", shape.back(), " output channels, found ",
        with_bias ? bias.shape() : Shape{});
  const Tensor y = run(kernels::conv2d_forward, x, weight, options, shape);
  if (with_bias)
    kernels::bias_relu(y.view({shape.back() == 0 ? 0 : y.numel() / shape.back(), shape.back()}),
                       kernels::contiguous(bias.value()), relu);
  else
    kernels::relu(y, y);
  std::vector<Variable> inputs{x, weight};
  if (with_bias) inputs.push_back(bias);
  return record_fused(
      "conv2d", y, inputs,
      [=, bias_shape = with_bias ? bias.shape() : Shape{}](const Variable& grad) {
        const LinearGradients g = behind(grad, y, bias_shape, relu);
        std::vector<Variable> grads(inputs.size());
        if (x.requires_grad()) grads[0] = input_grad(g.z, weight, options, x.shape());
        if (weight.requires_grad()) grads[1] = weight_grad(x, g.z, options, weight.shape());
        if (with_bias) grads[2] = g.bias;
        return grads;
      },
      [=](std::span<const Variable> in) {
        Variable z = conv2d(in[0], in[1], options);
        if (with_bias) z = z + in[2];
        return relu ? rho::relu(z) : z;
      });
}

}  // namespace rho
