// Compiled without cuBLAS's headers.
#include "kernels/cuda/nvidia/products.h"

namespace rho::kernels::nvidia {

void matmul(const Tensor&, const Tensor&, const Tensor&) {
  fail("matmul", "provider nvidia: the program was built without cuBLAS's header, cublas_v2.h");
}

}  // namespace rho::kernels::nvidia
