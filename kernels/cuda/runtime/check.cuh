// Every CUDA call is checked; the message names the operation.
#pragma once

#include <cuda_runtime.h>

#include <string_view>

#include "tensor/error.h"

namespace rho::kernels::cuda {

inline void check_status(cudaError_t status, std::string_view op) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // or the next launch would be blamed for it
  rho::fail(op, "CUDA: ", cudaGetErrorString(status));
}

}  // namespace rho::kernels::cuda
