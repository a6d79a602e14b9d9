#include "autograd/ops/index.h"

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/index.h"

namespace rho {

Variable gather(const Variable& x, const Tensor& index) {
  check(index.dtype() == DType::Int64, "gather", "expects int64 indices, found ", index.dtype());
  const Tensor positions = kernels::contiguous(index);
  const Tensor out = Tensor::empty(index.shape(), x.dtype(), x.value().device());
  kernels::gather(kernels::contiguous(x.value()), positions, out);
  return record("gather", out, {x}, [positions, shape = x.shape()](const Variable& g) {
    return std::vector{scatter_add(g, positions, shape)};
  });
}

Variable scatter_add(const Variable& g, const Tensor& index, const Shape& shape) {
  check(index.dtype() == DType::Int64 && index.shape() == g.shape(), "scatter_add",
        "expects int64 indices of shape ", g.shape(), ", found ", index.dtype(), ' ',
        index.shape());
  const Tensor positions = kernels::contiguous(index);
  const Tensor out = kernels::zeros(shape, g.dtype(), g.value().device());
  kernels::scatter_add(kernels::contiguous(g.value()), positions, out);
  return record("scatter_add", out, {g},
                [positions](const Variable& gg) { return std::vector{gather(gg, positions)}; });
}

}  // namespace rho
