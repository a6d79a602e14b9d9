#include "kernels/cuda/warpgroup/warpgroup_product.h"

namespace rho::kernels::cuda {

bool has_warpgroup_product(Device) { return false; }
bool takes_warpgroup_product(const Tensor&, const Tensor&, const Tensor&) { return false; }
void warpgroup_product(const Tensor&, const Tensor&, const Tensor& out) {
  fail("matmul", "has no code for compute capability 9.0, asked for on ", out.device());
}

}  // namespace rho::kernels::cuda
