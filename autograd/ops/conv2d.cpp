#include "autograd/ops/conv2d.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "kernels/bias_relu_grad.h"
#include "kernels/conv2d_chain.h"
#include "kernels/copy.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;

// y(x, w) and its two gradients are bilinear, and the gradients of each are the other two: the
// three operations are closed under differentiation.
Variable input_grad(const Variable& grad_y, const Variable& w, const Conv2dOptions& options,
                    const Shape& x_shape);
Variable weight_grad(const Variable& x, const Variable& grad_y, const Conv2dOptions& options,
                     const Shape& w_shape);

Tensor run(const kernels::Slot<kernels::Conv2dGradKernel>& kernel, const Variable& a,
           const Variable& b, const Conv2dOptions& options, const Shape& shape) {
  Tensor out = Tensor::empty(shape, a.dtype(), a.value().device());
  kernel(kernels::contiguous(a.value()), kernels::contiguous(b.value()), options, out);
  return out;
}
Tensor run_forward(const Variable& x, const Variable& weight, const Conv2dOptions& options,
                   const kernels::Conv2dEpilogue& then, const Shape& shape) {
  Tensor y = Tensor::empty(shape, x.dtype(), x.value().device());
  kernels::conv2d_forward(kernels::contiguous(x.value()), kernels::contiguous(weight.value()),
                          options, then, y);
  return y;
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

/// The gradient of x on its way back: where no graph of it is recorded, what made x may compute it.
Variable back_to(const Variable& x, const Variable& grad_y, const Variable& w,
                 const Conv2dOptions& options) {
  if (!x.requires_grad()) return {};
  if (grad_enabled()) return input_grad(grad_y, w, options, x.shape());
  return Variable(kernels::InputGradient{
      kernels::contiguous(grad_y.value()), kernels::contiguous(w.value()), options, x.shape(), {}});
}

Tensor run_forward(const Variable& x, const Variable& weight, const Conv2dOptions& options,
                   BatchStatistics& statistics, const Shape& shape) {
  const auto empty = [&](const Shape& of) {
    return Tensor::empty(of, x.dtype(), x.value().device());
  };
  Tensor y = empty(shape);
  if (y.numel() == 0) return y;
  statistics = {empty({shape.back()}), empty({shape.back()})};
  kernels::conv2d_with_statistics(kernels::contiguous(x.value()),
                                  kernels::contiguous(weight.value()), options, y, statistics.mean,
                                  statistics.variance);
  return y;
}

/// Statistics are taken where the pointer is not null.
Variable convolution(const Variable& x, const Variable& weight, const Conv2dOptions& options,
                     BatchStatistics* statistics) {
  const Shape shape = kernels::conv2d_shape(x.shape(), weight.shape(), options);
  const Tensor y = statistics == nullptr ? run_forward(x, weight, options, {}, shape)
                                         : run_forward(x, weight, options, *statistics, shape);
  return record("conv2d", y, {x, weight}, [=](const Variable& grad) -> std::vector<Variable> {
    Variable by_weight;
    if (weight.requires_grad()) by_weight = weight_grad(x, grad, options, weight.shape());
    return {back_to(x, grad, weight, options), by_weight};
  });
}

/// Of relu(z + bias + residual) = y, or where y is undefined of z + bias + residual: the gradients
/// of z, which are the residual's, and of the bias, where there is one.
struct LinearGradients {
  Variable z, bias;
};
LinearGradients behind(const Variable& grad, const Tensor& y, const Shape& bias) {
  const bool with_bias = bias.size() == 1;
  if (!y.defined()) return {grad, with_bias ? sum_to(grad, bias) : Variable()};
  if (!with_bias) return {relu_backward(grad, y), {}};
  const Tensor grad_bias = Tensor::empty(bias, y.dtype(), y.device());
  const Shape rows{bias[0] == 0 ? 0 : y.numel() / bias[0], bias[0]};
  if (const auto* const deferred = grad.deferred()) {
    const Tensor grad_z = room_for(*deferred);
    kernels::conv2d_bias_relu_grad(*deferred, y.view(rows), grad_z.view(rows), grad_bias);
    return {Variable(grad_z), Variable(grad_bias)};
  }
  const auto [g, grad_z] = overwrite(grad);
  kernels::bias_relu_grad(y.view(rows), g.view(rows), grad_z.view(rows), grad_bias);
  return {Variable(grad_z), Variable(grad_bias)};
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Conv2dOptions& options) {
  return convolution(x, weight, options, nullptr);
}

Variable conv2d(const Variable& x, const Variable& weight, const Conv2dOptions& options,
                const Variable& bias, const Epilogue& then) {
  const bool with_bias = bias.defined(), with_residual = then.residual.defined();
  const auto value = [](const Variable& v) {
    return v.defined() ? kernels::contiguous(v.value()) : Tensor();
  };
  const kernels::Conv2dEpilogue epilogue{value(bias), value(then.residual), then.relu};
  if (epilogue.empty()) return convolution(x, weight, options, then.statistics);
  const Shape shape = kernels::conv2d_shape(x.shape(), weight.shape(), options);
  const Tensor y = run_forward(x, weight, options, epilogue, shape);
  return record_fused(
      "conv2d", y, {x, weight, bias, then.residual},
      [=, kept_y = then.relu ? y : Tensor(),
       bias_shape = with_bias ? bias.shape() : Shape{}](const Variable& grad) {
        const LinearGradients g = behind(grad, kept_y, bias_shape);
        std::vector<Variable> grads(4);
        if (weight.requires_grad()) grads[1] = weight_grad(x, g.z, options, weight.shape());
        grads[0] = back_to(x, g.z, weight, options);
        grads[2] = g.bias;
        if (with_residual) grads[3] = g.z;
        return grads;
      },
      [=, relu = then.relu](std::span<const Variable> in) {
        const Variable z = conv2d(in[0], in[1], options);
        return apply({in[3], relu}, with_bias ? z + in[2] : z);
      },
      Takes::Deferred);
}

}  // namespace rho
