#include "autograd/ops/matmul.h"

#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "kernels/matmul.h"

namespace rho {
namespace {

/// The shape of `t` with its leading extents replaced by `leading`.
Shape with_leading(const Shape& leading, const Tensor& t) {
  Shape out = leading;
  out.push_back(t.size(-2));
  out.push_back(t.size(-1));
  return out;
}

Shape leading_of(const Tensor& t) {
  Shape out;
  for (int d = 0; d < t.rank() - 2; ++d) out.push_back(t.shape()[d]);
  return out;
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b) {
  check(a.rank() >= 2 && b.rank() >= 2 && a.size(-1) == b.size(-2), "matmul",
        "expects [..., M, K] and [..., K, N], found ", a.shape(), " and ", b.shape());
  check(a.dtype() == b.dtype(), "matmul", "expects one dtype, found ", a.dtype(), " and ",
        b.dtype());
  const Shape leading = broadcast_shapes(leading_of(a.value()), leading_of(b.value()), "matmul");
  Shape shape = leading;
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  const Tensor out = Tensor::empty(shape, a.dtype(), a.value().device());
  kernels::matmul(a.value().expand(with_leading(leading, a.value())),
                  b.value().expand(with_leading(leading, b.value())), out);
  return record("matmul", out, {a, b}, [a, b](const Variable& grad) -> std::vector<Variable> {
    Variable grad_a, grad_b;
    if (a.requires_grad()) grad_a = sum_to(matmul(grad, transpose(b, -1, -2)), a.shape());
    if (b.requires_grad()) grad_b = sum_to(matmul(transpose(a, -1, -2), grad), b.shape());
    return {grad_a, grad_b};
  });
}

}  // namespace rho
