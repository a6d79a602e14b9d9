#include "bench/peers/cublas.h"

#include <cublas_v2.h>

#include "kernels/cuda/runtime/stream.cuh"
#include "kernels/precision.h"

namespace rho::bench {
namespace {

void expect(cublasStatus_t status) {
  check(status == CUBLAS_STATUS_SUCCESS, "cublas", cublasGetStatusString(status));
}

/// For work in the order of ours.
cublasHandle_t handle(Device device) {
  static const cublasHandle_t one = [&] {
    cublasHandle_t made = nullptr;
    expect(cublasCreate(&made));
    expect(cublasSetStream(made, kernels::cuda::stream_of(device).handle));
    return made;
  }();
  return one;
}

cublasComputeType_t compute_type() {
  switch (kernels::product_precision()) {
    case kernels::ProductPrecision::TensorFloat32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case kernels::ProductPrecision::BFloat16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    default:
      return CUBLAS_COMPUTE_32F_PEDANTIC;
  }
}

/// An operand as cuBLAS sees it, whose matrices are column by column.
struct Operand {
  cublasOperation_t operation;
  int stride;

  explicit Operand(const Tensor& x)
      : operation(x.strides()[1] == 1 ? CUBLAS_OP_N : CUBLAS_OP_T),
        stride(static_cast<int>(x.strides()[operation == CUBLAS_OP_N ? 0 : 1])) {}
};

}  // namespace

std::string cublas_version() {
  int major = 0, minor = 0;
  expect(cublasGetProperty(MAJOR_VERSION, &major));
  expect(cublasGetProperty(MINOR_VERSION, &minor));
  return std::to_string(major) + "." + std::to_string(minor);
}

void cublas_matmul(const Tensor& a, const Tensor& b, const Tensor& out) {
  const Operand left(a), right(b);
  const int rows = static_cast<int>(a.size(0)), depth = static_cast<int>(a.size(1));
  const int columns = static_cast<int>(b.size(1));
  // Row by row, out = a b is what column by column is out^T = b^T a^T.
  if (a.dtype() == DType::Float32) {
    const float one = 1.0F, zero = 0.0F;
    expect(cublasGemmEx(handle(a.device()), right.operation, left.operation, columns, rows, depth,
                        &one, b.data<float>(), CUDA_R_32F, right.stride, a.data<float>(),
                        CUDA_R_32F, left.stride, &zero, out.data<float>(), CUDA_R_32F, columns,
                        compute_type(), CUBLAS_GEMM_DEFAULT));
  } else {
    const double one = 1.0, zero = 0.0;
    expect(cublasDgemm(handle(a.device()), right.operation, left.operation, columns, rows, depth,
                       &one, b.data<double>(), right.stride, a.data<double>(), left.stride, &zero,
                       out.data<double>(), columns));
  }
}

}  // namespace rho::bench
