#include "autograd/ops/pool.h"

#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "kernels/copy.h"

namespace rho {
namespace {

Variable spread(const Variable& grad_y, const Pool2dOptions& options, const Shape& shape) {
  Tensor grad_x = Tensor::empty(shape, grad_y.dtype(), grad_y.value().device());
  kernels::avg_pool2d_grad(kernels::contiguous(grad_y.value()), options, grad_x);
  return record("avg_pool2d_grad", grad_x, {grad_y},
                [options](const Variable& g) { return std::vector{avg_pool2d(g, options)}; });
}

}  // namespace

Variable max_pool2d(const Variable& x, const Pool2dOptions& options) {
  const Shape shape = kernels::pool2d_shape(x.shape(), options, "max_pool2d");
  const Tensor values = Tensor::empty(shape, x.dtype(), x.value().device());
  const Tensor positions = Tensor::empty(shape, DType::Int64, x.value().device());
  kernels::max_pool2d(kernels::contiguous(x.value()), options, values, positions);
  return record("max_pool2d", values, {x}, [positions, before = x.shape()](const Variable& g) {
    return std::vector{scatter_add(g, positions, before)};
  });
}

Variable avg_pool2d(const Variable& x, const Pool2dOptions& options) {
  const Shape shape = kernels::pool2d_shape(x.shape(), options, "avg_pool2d");
  const Tensor y = Tensor::empty(shape, x.dtype(), x.value().device());
  kernels::avg_pool2d(kernels::contiguous(x.value()), options, y);
  return record("avg_pool2d", y, {x}, [options, before = x.shape()](const Variable& g) {
    return std::vector{spread(g, options, before)};
  });
}

Variable global_avg_pool2d(const Variable& x) {
  check(x.rank() == 4, "global_avg_pool2d", "expects x [N, H, W, C], found ", x.shape());
  return mean(x, {1, 2});
}

}  // namespace rho
