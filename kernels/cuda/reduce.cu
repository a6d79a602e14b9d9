#include "kernels/cuda/reduction.cuh"
#include "kernels/reduce.h"

namespace rho::kernels {
namespace {

/// A contiguous [A, R, B].
template <class T>
struct Middle {
  const T* x;
  std::int64_t rows, columns;

  explicit Middle(const Tensor& from)
      : x(from.data<T>()), rows(from.size(1)), columns(from.size(2)) {}
  __device__ std::int64_t position(std::int64_t a, std::int64_t r, std::int64_t b) const {
    return (a * rows + r) * columns + b;
  }
};

template <class T>
struct AddValues {
  Middle<T> of;

  struct Column {
    const T* x;
    std::int64_t step;
    __device__ void operator()(std::int64_t r, cuda::Sums<1>& sums) const {
      sums.value[0] += static_cast<double>(x[r * step]);
    }
  };
  __device__ Column column(std::int64_t a, std::int64_t b) const {
    return {of.x + of.position(a, 0, b), of.columns};
  }
};

template <class T>
struct StoreSum {
  T* out;
  std::int64_t columns;
  __device__ void operator()(std::int64_t a, std::int64_t b, const cuda::Sums<1>& sums) const {
    out[a * columns + b] = static_cast<T>(sums.value[0]);
  }
};

void sum_cuda(const Tensor& x, const Tensor& out) {
  expect_middle("sum", x, out);
  dispatch_floating(x.dtype(), "sum", [&]<class T>() {
    cuda::reduce<cuda::Sums<1>>("sum", x.device(), x.size(0), x.size(1), x.size(2),
                                AddValues<T>{Middle<T>(x)}, StoreSum<T>{out.data<T>(), x.size(2)});
  });
}

template <class T>
struct RaiseValues {
  Middle<T> of;

  struct Column {
    const T* x;
    std::int64_t step;
    __device__ void operator()(std::int64_t r, cuda::Largest<T>& largest) const {
      largest.merge({x[r * step], r});
    }
  };
  __device__ Column column(std::int64_t a, std::int64_t b) const {
    return {of.x + of.position(a, 0, b), of.columns};
  }
};

template <class T>
struct StoreLargest {
  Middle<T> of;
  T* values;
  std::int64_t* positions;
  __device__ void operator()(std::int64_t a, std::int64_t b,
                             const cuda::Largest<T>& largest) const {
    values[a * of.columns + b] = largest.value;
    positions[a * of.columns + b] = of.position(a, largest.index, b);
  }
};

template <class T>
struct StoreRow {
  std::int64_t* out;
  std::int64_t columns;
  __device__ void operator()(std::int64_t a, std::int64_t b,
                             const cuda::Largest<T>& largest) const {
    out[a * columns + b] = largest.index;
  }
};

template <class T, class Finish>
void find_largest(std::string_view op, const Tensor& x, const Finish& finish) {
  cuda::reduce<cuda::Largest<T>>(op, x.device(), x.size(0), x.size(1), x.size(2),
                                 RaiseValues<T>{Middle<T>(x)}, finish);
}

void max_cuda(const Tensor& x, const Tensor& values, const Tensor& positions) {
  expect_middle("max", x, values);
  expect_middle("max", x, positions);
  if (values.numel() == 0) return;
  check(x.size(1) > 0, "max", "of no elements: shape ", x.shape());
  dispatch_floating(x.dtype(), "max", [&]<class T>() {
    find_largest<T>(
        "max", x, StoreLargest<T>{Middle<T>(x), values.data<T>(), positions.data<std::int64_t>()});
  });
}

void argmax_cuda(const Tensor& x, const Tensor& out) {
  expect_middle("argmax", x, out);
  if (out.numel() == 0) return;
  check(x.size(1) > 0, "argmax", "of no elements: shape ", x.shape());
  dispatch_floating(x.dtype(), "argmax", [&]<class T>() {
    find_largest<T>("argmax", x, StoreRow<T>{out.data<std::int64_t>(), x.size(2)});
  });
}

const Fill fill_sum{sum, DeviceType::CUDA, &sum_cuda};
const Fill fill_max{max, DeviceType::CUDA, &max_cuda};
const Fill fill_argmax{argmax, DeviceType::CUDA, &argmax_cuda};

}  // namespace
}  // namespace rho::kernels
