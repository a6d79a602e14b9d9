#include <cublas_v2.h>

#include <algorithm>
#include <bit>

#include "kernels/cuda/nvidia/cublas_functions.cuh"
#include "tests/cuda_emulator/stream.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;
  std::size_t bytes = 0;
};

namespace rho::cuda_emulator {
namespace {

/// Bits of a float that a mode's products see.
std::uint32_t mask_of(cublasComputeType_t type) {
  if (type == CUBLAS_COMPUTE_32F_FAST_TF32) return 0xffffe000U;
  if (type == CUBLAS_COMPUTE_32F_FAST_16BF) return 0xffff0000U;
  return 0xffffffffU;
}

double seen(double value, std::uint32_t) { return value; }
double seen(float value, std::uint32_t mask) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & mask);
}

template <class T>
struct Matrix {
  const T* data;
  std::int64_t leading;
  bool is_transposed;

  T operator()(std::int64_t row, std::int64_t column) const {
    return is_transposed ? data[column + row * leading] : data[row + column * leading];
  }
};

/// c = alpha a b + beta c, of which c is not read where beta is 0.
template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const Matrix<T>& a,
              const Matrix<T>& b, T beta, T* c, std::int64_t ldc, std::uint32_t mask) {
  for (std::int64_t column = 0; column < n; ++column)
    for (std::int64_t row = 0; row < m; ++row) {
      double sum = 0.0;
      for (std::int64_t i = 0; i < k; ++i) sum += seen(a(row, i), mask) * seen(b(i, column), mask);
      T& out = c[row + column * ldc];
      out = static_cast<T>(alpha * sum) + (beta == T{0} ? T{0} : beta * out);
    }
}

}  // namespace
}  // namespace rho::cuda_emulator

using namespace rho::cuda_emulator;

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  *handle = {stream, nullptr, 0};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  if (std::bit_cast<std::uintptr_t>(workspace) % 256 != 0) return CUBLAS_STATUS_INVALID_VALUE;
  handle->workspace = workspace;
  handle->bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  *value = type == MAJOR_VERSION ? 13 : 0;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    default:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
}

cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t transa,
                               cublasOperation_t transb, std::int64_t m, std::int64_t n,
                               std::int64_t k, const void* alpha, const void* A, cudaDataType Atype,
                               std::int64_t lda, const void* B, cudaDataType Btype,
                               std::int64_t ldb, const void* beta, void* C, cudaDataType Ctype,
                               std::int64_t ldc, cublasComputeType_t computeType,
                               cublasGemmAlgo_t algo) {
  return cublasGemmStridedBatchedEx_64(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B,
                                       Btype, ldb, 0, beta, C, Ctype, ldc, 0, 1, computeType, algo);
}

cublasStatus_t cublasGemmStridedBatchedEx_64(
    cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, std::int64_t m,
    std::int64_t n, std::int64_t k, const void* alpha, const void* A, cudaDataType Atype,
    std::int64_t lda, long long strideA, const void* B, cudaDataType Btype, std::int64_t ldb,
    long long strideB, const void* beta, void* C, cudaDataType Ctype, std::int64_t ldc,
    long long strideC, std::int64_t batchCount, cublasComputeType_t computeType, cublasGemmAlgo_t) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const auto leading = [](std::int64_t rows) { return std::max<std::int64_t>(rows, 1); };
  if (m < 0 || n < 0 || k < 0 || batchCount < 0 || lda < leading(transa == CUBLAS_OP_N ? m : k) ||
      ldb < leading(transb == CUBLAS_OP_N ? k : n) || ldc < leading(m))
    return CUBLAS_STATUS_INVALID_VALUE;
  const bool in_double = computeType == CUBLAS_COMPUTE_64F;
  const cudaDataType type = in_double ? CUDA_R_64F : CUDA_R_32F;
  if (Atype != type || Btype != type || Ctype != type) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (handle->workspace == nullptr) return CUBLAS_STATUS_ALLOC_FAILED;

  const auto multiply_all = [&]<class T>(T) {
    // The host's scalars are read now, the matrices when the stream comes to it.
    enqueue(handle->stream, [=, context = *handle, by = *static_cast<const T*>(alpha),
                             keep = *static_cast<const T*>(beta)] {
      scribble(context.workspace, context.bytes);
      for (std::int64_t i = 0; i < batchCount; ++i)
        multiply<T>(m, n, k, by,
                    {static_cast<const T*>(A) + i * strideA, lda, transa != CUBLAS_OP_N},
                    {static_cast<const T*>(B) + i * strideB, ldb, transb != CUBLAS_OP_N}, keep,
                    static_cast<T*>(C) + i * strideC, ldc, mask_of(computeType));
    });
  };
  if (in_double)
    multiply_all(double{});
  else
    multiply_all(float{});
  return CUBLAS_STATUS_SUCCESS;
}

namespace rho::kernels::nvidia {

// In place of those that are found in a file.
const CublasFunctions& cublas() {
  static const CublasFunctions functions{&cublasCreate_v2,
                                         &cublasSetStream_v2,
                                         &cublasSetWorkspace_v2,
                                         &cublasGemmEx_64,
                                         &cublasGemmStridedBatchedEx_64,
                                         &cublasGetProperty,
                                         &cublasGetStatusString};
  return functions;
}

}  // namespace rho::kernels::nvidia
