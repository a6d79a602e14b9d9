#include "autograd/ops/relu.h"

#include "kernels/relu.h"

namespace rho {

Variable relu_mask(const Variable& g, const Tensor& y) {
  Tensor out = Tensor::empty(g.shape(), g.dtype(), g.value().device());
  kernels::relu_grad(y, g.value(), out);
  return record("relu_mask", out, {g},
                [y](const Variable& gg) { return std::vector{relu_mask(gg, y)}; });
}

Variable relu_backward(const Variable& grad_output, const Tensor& y) {
  if (grad_enabled()) return relu_mask(grad_output, y);
  const auto [from, to] = overwrite(grad_output);
  kernels::relu_grad(y, from, to);
  return Variable(to);
}

Variable relu(const Variable& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.value().device());
  kernels::relu(x.value(), y);
  return record("relu", y, {x},
                [y](const Variable& g) { return std::vector{relu_backward(g, y)}; });
}

}  // namespace rho
