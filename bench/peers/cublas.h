// cuBLAS's matrix product.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace rho::bench {

/// Empty where the benchmarks were configured without cuBLAS.
std::string cublas_version();

/// out = a b on their device, of float32 (in the precision of this thread's products, in IEEE's
/// without tensor cores) or float64. a and b are contiguous, or the transposes of what is.
void cublas_matmul(const Tensor& a, const Tensor& b, const Tensor& out);

}  // namespace rho::bench
