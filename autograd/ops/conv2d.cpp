#include "autograd/ops/conv2d.h"

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

}  // namespace rho
