#include "autograd/ops/reduce.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/index.h"
#include "autograd/ops/shape.h"
#include "kernels/copy.h"
#include "kernels/reduce.h"

namespace rho {
namespace {

/// Which dimensions are reduced, and the result's shape with and without them.
struct Reduced {
  Dims is_reduced;  ///< 1 or 0 per dimension
  Shape kept;       ///< extents of the others
  Shape keepdim;    ///< 1 in place of the reduced extents
  std::int64_t count = 1;

  Reduced(const Shape& shape, const Dims& dims, std::string_view op)
      : is_reduced(Dims::filled(shape.size(), 0)), keepdim(shape) {
    for (const std::int64_t dim : dims) {
      const int d = wrap_dim(dim, shape.size(), op);
      check(is_reduced[d] == 0, op, "dimensions ", dims, " name one of shape ", shape, " twice");
      is_reduced[d] = 1;
      keepdim[d] = 1;
      count *= shape[d];
    }
    for (int d = 0; d < shape.size(); ++d)
      if (is_reduced[d] == 0) kept.push_back(shape[d]);
  }
};

/// x as a contiguous [A, R, B] with the reduced dimensions in the middle. Only dimensions that are
/// not neighbours have to be moved.
Tensor with_reduced_in_middle(const Tensor& x, const Reduced& reduced) {
  Dims order;
  int first = 0;
  while (first < x.rank() && reduced.is_reduced[first] == 0) ++first;
  int last = first;
  while (last < x.rank() && reduced.is_reduced[last] == 1) ++last;
  bool neighbours = true;
  for (int d = last; d < x.rank(); ++d) neighbours = neighbours && reduced.is_reduced[d] == 0;
  std::int64_t before = 1, after = 1;
  if (neighbours) {
    for (int d = 0; d < first; ++d) before *= x.shape()[d];
    for (int d = last; d < x.rank(); ++d) after *= x.shape()[d];
    return kernels::contiguous(x).view({before, reduced.count, after});
  }
  for (int d = 0; d < x.rank(); ++d)
    if (reduced.is_reduced[d] == 0) order.push_back(d);
  for (int d = 0; d < x.rank(); ++d)
    if (reduced.is_reduced[d] == 1) order.push_back(d);
  return kernels::contiguous(x.permute(order)).view({numel(reduced.kept), reduced.count, 1});
}

Dims all_dims(const Variable& x) {
  Dims dims;
  for (int d = 0; d < x.rank(); ++d) dims.push_back(d);
  return dims;
}

}  // namespace

Variable sum(const Variable& x) { return sum(x, all_dims(x)); }

Variable sum(const Variable& x, const Dims& dims, bool keepdim) {
  const Reduced reduced(x.shape(), dims, "sum");
  const Tensor middle = with_reduced_in_middle(x.value(), reduced);
  const Tensor out = Tensor::empty({middle.size(0), middle.size(2)}, x.dtype(), x.value().device());
  kernels::sum(middle, out);
  return record("sum", out.view(keepdim ? reduced.keepdim : reduced.kept), {x},
                [shape = x.shape(), ones = reduced.keepdim](const Variable& g) {
                  return std::vector{expand(reshape(g, ones), shape)};
                });
}

Variable mean(const Variable& x) { return mean(x, all_dims(x)); }

Variable mean(const Variable& x, const Dims& dims, bool keepdim) {
  const Reduced reduced(x.shape(), dims, "mean");
  check(reduced.count > 0, "mean", "of no elements: shape ", x.shape(), ", dimensions ", dims);
  return scale(sum(x, dims, keepdim), 1.0 / static_cast<double>(reduced.count));
}

Variable max(const Variable& x, std::int64_t dim, bool keepdim) {
  const Reduced reduced(x.shape(), {dim}, "max");
  const Tensor middle = with_reduced_in_middle(x.value(), reduced);
  const Shape flat{middle.size(0), middle.size(2)};
  const Tensor values = Tensor::empty(flat, x.dtype(), x.value().device());
  const Tensor positions = Tensor::empty(flat, DType::Int64, x.value().device());
  kernels::max(middle, values, positions);
  return record("max", values.view(keepdim ? reduced.keepdim : reduced.kept), {x},
                [positions, shape = x.shape()](const Variable& g) {
                  return std::vector{scatter_add(reshape(g, positions.shape()), positions, shape)};
                });
}

Tensor argmax(const Tensor& x, std::int64_t dim) {
  const Reduced reduced(x.shape(), {dim}, "argmax");
  const Tensor middle = with_reduced_in_middle(x, reduced);
  const Tensor out = Tensor::empty({middle.size(0), middle.size(2)}, DType::Int64, x.device());
  kernels::argmax(middle, out);
  return out.view(reduced.kept);
}

Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int added = x.rank() - shape.size();
  check(added >= 0, "sum_to", "shape ", x.shape(), " to ", shape);
  Dims dims;
  for (int d = 0; d < x.rank(); ++d) {
    const bool broadcast = d < added || (shape[d - added] == 1 && x.shape()[d] != 1);
    check(broadcast || shape[d - added] == x.shape()[d], "sum_to", "shape ", x.shape(), " to ",
          shape);
    if (broadcast) dims.push_back(d);
  }
  return reshape(sum(x, dims), shape);
}

}  // namespace rho
