#include "kernels/cuda/tile_product.cuh"
#include "kernels/fill.h"
#include "kernels/matmul.h"

namespace rho::kernels {
namespace {

template <class T, bool kLeftDense, bool kRightDense>
struct MatrixProduct {
  std::int64_t rows, columns, depth, items;
  cuda::Strided<T, kLeftDense> left;
  cuda::Strided<T, kRightDense> right;
  cuda::DeviceLoop<2> leading;  // offsets of an item's a and b
  T* out;

  __device__ void select(std::int64_t item) {
    std::int64_t at[2];
    leading.offsets(item, at);
    left.data += at[0];
    right.data += at[1];
    out += item * rows * columns;
  }
  __device__ void store(std::int64_t i, std::int64_t j, T value) const {
    out[i * columns + j] = value;
  }
};

/// Strides of the last dimension but `from_end`.
std::int64_t stride(const Tensor& t, int from_end) { return t.strides()[t.rank() - 1 - from_end]; }

template <class T, bool kLeftDense, bool kRightDense>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  const auto leading = [](const Tensor& t) { return t.select(-1, 0).select(-1, 0); };
  const cuda::DeviceLoop<2> items{StridedLoop<2>(leading(a), leading(b))};
  cuda::tile_product<T>(
      "matmul", out.device(),
      MatrixProduct<T, kLeftDense, kRightDense>{a.size(-2),
                                                b.size(-1),
                                                a.size(-1),
                                                items.count,
                                                {a.data<T>(), stride(a, 1), stride(a, 0)},
                                                {b.data<T>(), stride(b, 0), stride(b, 1)},
                                                items,
                                                out.data<T>()});
}

void matmul_cuda(const Tensor& a, const Tensor& b, const Tensor& out) {
  expect_matmul(a, b, out);
  if (out.numel() == 0) return;
  if (a.size(-1) == 0) return fill(out, 0.0);
  const bool left_dense = stride(a, 0) == 1, right_dense = stride(b, 1) == 1;
  dispatch_floating(a.dtype(), "matmul", [&]<class T>() {
    if (left_dense && right_dense)
      multiply<T, true, true>(a, b, out);
    else if (left_dense)
      multiply<T, true, false>(a, b, out);
    else if (right_dense)
      multiply<T, false, true>(a, b, out);
    else
      multiply<T, false, false>(a, b, out);
  });
}

const Fill fill_matmul{matmul, DeviceType::CUDA, &matmul_cuda};

}  // namespace
}  // namespace rho::kernels
