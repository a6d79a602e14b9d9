#include "kernels/cuda/nvidia/products.h"
#include "kernels/cuda/product.cuh"
#include "kernels/cuda/warpgroup/warpgroup_product.h"
#include "kernels/fill.h"
#include "kernels/matmul.h"
#include "kernels/provider.h"

namespace rho::kernels {
namespace {

template <class T, bool kLeftDense, bool kRightDense>
struct MatrixProduct {
  int rows, columns, depth;
  cuda::Strided<T, kLeftDense> left;
  cuda::Strided<T, kRightDense> right;
  T* out;

  __device__ T* place(int i, int j) const { return out + std::int64_t{i} * columns + j; }
};

template <class T, bool kLeftDense, bool kRightDense>
struct MatrixProducts {
  using Product = MatrixProduct<T, kLeftDense, kRightDense>;

  std::int64_t items;
  Product first;
  cuda::DeviceLoop<2> leading;  // offsets of an item's a and b

  __host__ __device__ Product item(std::int64_t n) const {
    std::int64_t at[2];
    leading.offsets(n, at);
    Product out = first;
    out.left.data += at[0];
    out.right.data += at[1];
    out.out += n * first.rows * std::int64_t{first.columns};
    return out;
  }
};

/// Strides of the last dimension but `from_end`.
std::int64_t stride(const Tensor& t, int from_end) { return t.strides()[t.rank() - 1 - from_end]; }

/// Whether the matrices of t are read in vectors: rows of their transpose where not `along_rows`.
template <class T>
bool in_vectors(const Tensor& t, bool along_rows) {
  const int contiguous = along_rows ? 0 : 1;
  bool all =
      stride(t, contiguous) == 1 && t.size(t.rank() - 1 - contiguous) % cuda::kWidest<T> == 0;
  for (int d = 0; d < t.rank(); ++d)
    if (d != t.rank() - 1 - contiguous && t.size(d) > 1)
      all = all && t.strides()[d] % cuda::kWidest<T> == 0;
  return all && cuda::in_vectors(t.data<T>());
}

template <class T, bool kLeftDense, bool kRightDense>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  const auto leading = [](const Tensor& t) { return t.select(-1, 0).select(-1, 0); };
  const cuda::DeviceLoop<2> items{StridedLoop<2>(leading(a), leading(b))};
  const bool vectors = in_vectors<T>(a, kLeftDense) && in_vectors<T>(b, !kRightDense) &&
                       cuda::in_vectors(out.data<T>(), b.size(-1));
  const MatrixProduct<T, kLeftDense, kRightDense> first{
      cuda::narrow("matmul", a.size(-2)),        cuda::narrow("matmul", b.size(-1)),
      cuda::narrow("matmul", a.size(-1)),        {a.data<T>(), stride(a, 1), stride(a, 0)},
      {b.data<T>(), stride(b, 0), stride(b, 1)}, out.data<T>()};
  cuda::product<T>("matmul", out.device(),
                   MatrixProducts<T, kLeftDense, kRightDense>{items.count, first, items}, vectors);
}

void matmul_cuda(const Tensor& a, const Tensor& b, const Tensor& out) {
  expect_matmul(a, b, out);
  if (out.numel() == 0) return;
  if (a.size(-1) == 0) return fill(out, 0.0);
  if (product_provider() == ProductProvider::Nvidia) return nvidia::matmul(a, b, out);
  if (cuda::takes_warpgroup_product(a, b, out)) return cuda::warpgroup_product(a, b, out);
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
