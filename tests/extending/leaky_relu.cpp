#include "tests/extending/leaky_relu.h"

#include "tests/extending/leaky_relu_kernel.h"

namespace rho {
namespace {

/// x where reference > 0, else slope * x: linear in x, so its derivative is itself.
Variable leak(const Tensor& reference, const Variable& x, double slope) {
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.value().device());
  kernels::leaky_relu(reference, x.value(), slope, out);
  return record("leaky_relu", out, {x}, [reference, slope](const Variable& g) {
    return std::vector{leak(reference, g, slope)};
  });
}

}  // namespace

Variable leaky_relu(const Variable& x, double slope) { return leak(x.value(), x, slope); }

}  // namespace rho
