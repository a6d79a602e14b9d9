#include "autograd/ops/arithmetic.h"

#include "autograd/ops/reduce.h"
#include "kernels/arithmetic.h"

namespace rho {
namespace {

Tensor like(const Variable& x) { return Tensor::empty(x.shape(), x.dtype(), x.value().device()); }

Tensor binary(const kernels::Slot<kernels::BinaryKernel>& kernel, const Variable& a,
              const Variable& b) {
  const Tensor &left = a.value(), &right = b.value();
  check(left.dtype() == right.dtype(), kernel.name(), "expects one dtype, found ", left.dtype(),
        " and ", right.dtype());
  const Shape shape = broadcast_shapes(left.shape(), right.shape(), kernel.name());
  Tensor out = Tensor::empty(shape, left.dtype(), left.device());
  kernel(left.expand(shape), right.expand(shape), out);
  return out;
}

Tensor unary(const kernels::Slot<kernels::UnaryKernel>& kernel, const Variable& x) {
  Tensor out = like(x);
  kernel(x.value(), out);
  return out;
}

Tensor affine(const Variable& x, double factor, double offset) {
  Tensor out = like(x);
  kernels::affine(x.value(), factor, offset, out);
  return out;
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  return record("add", binary(kernels::add, a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Variable& g) {
                  return std::vector<Variable>{sum_to(g, sa), sum_to(g, sb)};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  return record(
      "sub", binary(kernels::sub, a, b), {a, b},
      [need_b = b.requires_grad(), sa = a.shape(), sb = b.shape()](const Variable& g) {
        return std::vector<Variable>{sum_to(g, sa), need_b ? neg(sum_to(g, sb)) : Variable()};
      });
}

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", binary(kernels::mul, a, b), {a, b}, [a, b](const Variable& g) {
    std::vector<Variable> grads(2);
    if (a.requires_grad()) grads[0] = sum_to(g * b, a.shape());
    if (b.requires_grad()) grads[1] = sum_to(g * a, b.shape());
    return grads;
  });
}

Variable div(const Variable& a, const Variable& b) {
  return record("div", binary(kernels::div, a, b), {a, b}, [a, b](const Variable& g) {
    std::vector<Variable> grads(2);
    const Variable by_a = g / b;
    if (a.requires_grad()) grads[0] = sum_to(by_a, a.shape());
    if (b.requires_grad()) grads[1] = sum_to(neg(by_a * (a / b)), b.shape());
    return grads;
  });
}

Variable neg(const Variable& x) { return scale(x, -1.0); }

Variable scale(const Variable& x, double factor) {
  return record("scale", affine(x, factor, 0.0), {x},
                [factor](const Variable& g) { return std::vector{scale(g, factor)}; });
}

Variable shift(const Variable& x, double offset) {
  return record("shift", affine(x, 1.0, offset), {x},
                [](const Variable& g) { return std::vector{g}; });
}

// Rules that need the output compute it again: saving it as a constant would hide its own
// dependence on x from second derivatives.

Variable exp(const Variable& x) {
  return record("exp", unary(kernels::exp, x), {x},
                [x](const Variable& g) { return std::vector{g * exp(x)}; });
}

Variable log(const Variable& x) {
  return record("log", unary(kernels::log, x), {x},
                [x](const Variable& g) { return std::vector{g / x}; });
}

Variable sqrt(const Variable& x) {
  return record("sqrt", unary(kernels::sqrt, x), {x},
                [x](const Variable& g) { return std::vector{scale(g, 0.5) / sqrt(x)}; });
}

Variable abs(const Variable& x) {
  return record("abs", unary(kernels::abs, x), {x},
                [x](const Variable& g) { return std::vector{g * sign(x)}; });
}

Variable sign(const Variable& x) { return Variable(unary(kernels::sign, x)); }

Variable pow(const Variable& x, double exponent) {
  Tensor out = like(x);
  kernels::pow(x.value(), exponent, out);
  return record("pow", out, {x}, [x, exponent](const Variable& g) {
    // x^0 is constant; its rule would multiply 0 by the infinity of 0^-1.
    if (exponent == 0.0) return std::vector<Variable>(1);
    return std::vector{g * scale(pow(x, exponent - 1.0), exponent)};
  });
}

Variable softplus(const Variable& x) {
  return record("softplus", unary(kernels::softplus, x), {x},
                [x](const Variable& g) { return std::vector{g * sigmoid(x)}; });
}

Variable sigmoid(const Variable& x) {
  return record("sigmoid", unary(kernels::sigmoid, x), {x}, [x](const Variable& g) {
    // 1 - sigmoid(x) = sigmoid(-x), without cancellation.
    return std::vector{g * (sigmoid(x) * sigmoid(neg(x)))};
  });
}

}  // namespace rho
