#include "kernels/cuda/nvidia/cublas_functions.cuh"

#include "kernels/library.h"

namespace rho::kernels::nvidia {

const CublasFunctions& cublas() {
  static const CublasFunctions functions = [] {
    const Library library("provider nvidia", "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR));
    return CublasFunctions{library["cublasCreate_v2"],
                           library["cublasSetStream_v2"],
                           library["cublasSetWorkspace_v2"],
                           library["cublasGemmEx_64"],
                           library["cublasGemmStridedBatchedEx_64"],
                           library["cublasGetProperty"],
                           library["cublasGetStatusString"]};
  }();
  return functions;
}

}  // namespace rho::kernels::nvidia
