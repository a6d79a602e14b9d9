// What is called of cuBLAS.
#pragma once

#include <cublas_v2.h>

namespace rho::kernels::nvidia {

/// With the types of the header that the program was compiled with.
struct CublasFunctions {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasGemmEx_64) gemm;
  decltype(&cublasGemmStridedBatchedEx_64) gemm_strided_batched;
  decltype(&cublasGetProperty) get_property;
  decltype(&cublasGetStatusString) get_status_string;
};

/// Those of the library, which the first call opens. Throws where there is none.
const CublasFunctions& cublas();

}  // namespace rho::kernels::nvidia
