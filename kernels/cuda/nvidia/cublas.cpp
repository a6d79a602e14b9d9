// Matrix products by cuBLAS.
#include <algorithm>
#include <optional>

#include "kernels/copy.h"
#include "kernels/cuda/nvidia/cublas_functions.cuh"
#include "kernels/cuda/nvidia/of_stream.cuh"
#include "kernels/cuda/nvidia/products.h"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/runtime/tensor_cores.cuh"
#include "kernels/provider.h"
#include "kernels/strided_loop.h"

namespace rho::kernels::nvidia {
namespace {

constexpr auto kOp = "matmul";

void expect(cublasStatus_t status) {
  check(status == CUBLAS_STATUS_SUCCESS, kOp, "cuBLAS: ", cublas().get_status_string(status));
}

/// A stream's handle. Its work space is the stream's own: then results do not depend on what other
/// streams do, and a capture need not allocate any.
class CublasHandle {
 public:
  explicit CublasHandle(const cuda::Stream& stream) {
    constexpr std::size_t kBytes = std::size_t{32} << 20;  // what NVIDIA asks for from 9.0 on
    void* space = nullptr;
    expect(cublas().create(&handle_));
    expect(cublas().set_stream(handle_, stream.handle));  // takes the work space away
    cuda::check_status(cudaMalloc(&space, kBytes), kOp);
    expect(cublas().set_workspace(handle_, space, kBytes));
  }
  cublasHandle_t get() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

/// How matrices lie in memory: cuBLAS takes columns whose elements are neighbours, so rows like
/// that are the columns of the transpose.
struct Layout {
  cublasOperation_t operation;  // N: by rows, as ours is the transpose of what cuBLAS sees
  std::int64_t leading;         // from one row, or column, to the next
};

/// That of the last two dimensions; nothing where cuBLAS has none.
std::optional<Layout> layout_of(const Tensor& x) {
  const int last = x.rank() - 1;
  const auto leading = [&](int along, int across) -> std::int64_t {
    const std::int64_t extent = x.size(along);
    if (extent > 1 && x.strides()[along] != 1) return 0;
    if (x.size(across) == 1) return extent;
    return x.strides()[across] >= extent ? x.strides()[across] : 0;
  };
  if (const std::int64_t by_rows = leading(last, last - 1); by_rows > 0)
    return Layout{CUBLAS_OP_N, by_rows};
  if (const std::int64_t by_columns = leading(last - 1, last); by_columns > 0)
    return Layout{CUBLAS_OP_T, by_columns};
  return std::nullopt;
}

struct Operand {
  Tensor x;
  Layout layout;

  explicit Operand(const Tensor& any)
      : x(layout_of(any) ? any : contiguous(any)), layout(*layout_of(x)) {}
  /// The first matrix of each dimension.
  Tensor items() const { return x.select(-1, 0).select(-1, 0); }
};

template <class T>
cublasComputeType_t arithmetic() {
  if constexpr (std::is_same_v<T, double>) return CUBLAS_COMPUTE_64F;
  switch (product_precision()) {
    case ProductPrecision::TensorFloat32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case ProductPrecision::BFloat16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    default:
      return CUBLAS_COMPUTE_32F_PEDANTIC;
  }
}

template <class T>
constexpr cudaDataType kElement = std::is_same_v<T, double> ? CUDA_R_64F : CUDA_R_32F;

/// out^T = b^T a^T, as cuBLAS sees them, for items next to each other.
template <class T>
void multiply(const Operand& a, const Operand& b, const Tensor& out) {
  const std::int64_t rows = out.size(-2), columns = out.size(-1), depth = a.x.size(-1);
  const StridedLoop<2> items(a.items(), b.items());
  const std::int64_t count = items.shape.back(), stride_a = items.strides[0].back(),
                     stride_b = items.strides[1].back();
  const T one{1}, zero{0};
  const cublasHandle_t handle = of_stream<CublasHandle>(out.device()).get();
  const auto product = [&](const T* left, const T* right, T* to) {
    if (count == 1)
      return expect(cublas().gemm(handle, b.layout.operation, a.layout.operation, columns, rows,
                                  depth, &one, right, kElement<T>, b.layout.leading, left,
                                  kElement<T>, a.layout.leading, &zero, to, kElement<T>, columns,
                                  arithmetic<T>(), CUBLAS_GEMM_DEFAULT));
    expect(cublas().gemm_strided_batched(handle, b.layout.operation, a.layout.operation, columns,
                                         rows, depth, &one, right, kElement<T>, b.layout.leading,
                                         stride_b, left, kElement<T>, a.layout.leading, stride_a,
                                         &zero, to, kElement<T>, columns, rows * columns, count,
                                         arithmetic<T>(), CUBLAS_GEMM_DEFAULT));
  };
  // The dimensions before the last one, of which cuBLAS knows nothing, from its end.
  const int outer = items.shape.size() - 1;
  const std::int64_t calls = out.numel() / (rows * columns * count);
  for (std::int64_t n = 0; n < calls; ++n) {
    std::int64_t rest = n, at_a = 0, at_b = 0;
    for (int d = outer - 1; d >= 0; --d) {
      const std::int64_t index = rest % items.shape[d];
      rest /= items.shape[d];
      at_a += index * items.strides[0][d];
      at_b += index * items.strides[1][d];
    }
    product(a.x.data<T>() + at_a, b.x.data<T>() + at_b, out.data<T>() + n * count * rows * columns);
  }
}

std::string cublas_version() {
  int major = 0, minor = 0;
  expect(cublas().get_property(MAJOR_VERSION, &major));
  expect(cublas().get_property(MINOR_VERSION, &minor));
  return std::to_string(major) + "." + std::to_string(minor);
}

[[maybe_unused]] const bool cublas_registered =
    (register_product_library("cublas", &cublas_version), true);

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const Tensor& out) {
  if (out.dtype() == DType::Float32 && product_precision() != ProductPrecision::Float32)
    cuda::expect_tensor_cores(kOp, out.device());
  dispatch_floating(out.dtype(), kOp, [&]<class T>() { multiply<T>(Operand(a), Operand(b), out); });
  if (cuda::is_blocking()) cuda::synchronize(out.device(), kOp);
}

}  // namespace rho::kernels::nvidia
