#include "autograd/ops/shape.h"

#include "autograd/ops/reduce.h"
#include "kernels/copy.h"
#include "kernels/fill.h"

namespace rho {
namespace {

/// Zeros of `shape` with g in the slice (dim, begin, end, step): the adjoint of slice.
Variable unslice(const Variable& g, const Shape& shape, std::int64_t dim, std::int64_t begin,
                 std::int64_t end, std::int64_t step) {
  const Tensor out = kernels::zeros(shape, g.dtype(), g.value().device());
  kernels::copy(g.value(), out.slice(dim, begin, end, step));
  return record("unslice", out, {g},
                [=](const Variable& gg) { return std::vector{slice(gg, dim, begin, end, step)}; });
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  const Shape resolved = resolve_shape(shape, x.numel(), "reshape");
  if (resolved == x.shape()) return x;
  return record(
      "reshape", kernels::contiguous(x.value()).view(resolved), {x},
      [before = x.shape()](const Variable& g) { return std::vector{reshape(g, before)}; });
}

Variable permute(const Variable& x, const Dims& order) {
  Dims inverse = order;
  const Tensor out = x.value().permute(order);
  for (int d = 0; d < order.size(); ++d) inverse[wrap_dim(order[d], x.rank(), "permute")] = d;
  return record("permute", out, {x},
                [inverse](const Variable& g) { return std::vector{permute(g, inverse)}; });
}

Variable transpose(const Variable& x, std::int64_t a, std::int64_t b) {
  return record("transpose", x.value().transpose(a, b), {x},
                [a, b](const Variable& g) { return std::vector{transpose(g, a, b)}; });
}

Variable expand(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("expand", x.value().expand(shape), {x},
                [before = x.shape()](const Variable& g) { return std::vector{sum_to(g, before)}; });
}

Variable slice(const Variable& x, std::int64_t dim, std::int64_t begin, std::int64_t end,
               std::int64_t step) {
  return record("slice", x.value().slice(dim, begin, end, step), {x},
                [=, shape = x.shape()](const Variable& g) {
                  return std::vector{unslice(g, shape, dim, begin, end, step)};
                });
}

Variable pad(const Variable& x, const Dims& before, const Dims& after, double value) {
  check(before.size() == x.rank() && after.size() == x.rank(), "pad", "amounts ", before, " and ",
        after, " for shape ", x.shape());
  Shape shape = x.shape();
  for (int d = 0; d < x.rank(); ++d) {
    check(before[d] >= 0 && after[d] >= 0, "pad", "negative amounts ", before, " and ", after);
    const bool fits = !__builtin_add_overflow(shape[d], before[d], &shape[d]) &&
                      !__builtin_add_overflow(shape[d], after[d], &shape[d]);
    check(fits, "pad", "amounts ", before, " and ", after, " are too large for shape ", x.shape());
  }
  const Tensor out = kernels::full(shape, value, x.dtype(), x.value().device());
  Tensor inside = out;
  for (int d = 0; d < x.rank(); ++d) inside = inside.slice(d, before[d], shape[d] - after[d]);
  kernels::copy(x.value(), inside);
  return record("pad", out, {x}, [before, after, shape](const Variable& g) {
    Variable inner = g;
    for (int d = 0; d < shape.size(); ++d)
      if (before[d] + after[d] > 0) inner = slice(inner, d, before[d], shape[d] - after[d]);
    return std::vector{inner};
  });
}

Variable concat(const std::vector<Variable>& parts, std::int64_t dim) {
  check(!parts.empty(), "concat", "of no parts");
  const Variable& first = parts.front();
  const int along = wrap_dim(dim, first.rank(), "concat");
  Shape shape = first.shape();
  shape[along] = 0;
  std::vector<std::int64_t> ends;
  for (const Variable& part : parts) {
    Shape expected = first.shape();
    if (part.rank() == first.rank()) expected[along] = part.shape()[along];
    check(part.shape() == expected && part.dtype() == first.dtype(), "concat", "along dimension ",
          along, ": ", first.dtype(), ' ', first.shape(), " and ", part.dtype(), ' ', part.shape());
    shape[along] += part.shape()[along];
    ends.push_back(shape[along]);
  }
  const Tensor out = Tensor::empty(shape, first.dtype(), first.value().device());
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    kernels::copy(parts[i].value(), out.slice(along, begin, ends[i]));
    begin = ends[i];
  }
  return record("concat", out, parts, [ends, along](const Variable& g) {
    std::vector<Variable> grads;
    std::int64_t at = 0;
    for (const std::int64_t end : ends) {
      grads.push_back(slice(g, along, at, end));
      at = end;
    }
    return grads;
  });
}

}  // namespace rho
