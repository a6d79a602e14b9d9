#include "kernels/cuda/reduction.cuh"
#include "kernels/cuda/runtime/report.cuh"
#include "kernels/softmax.h"

namespace rho::kernels {
namespace {

constexpr unsigned kWarp = 32, kAll = 0xffffffffU;

/// The largest value of a row, and log sum exp of the row minus it; found by a warp, known to all
/// its lanes.
template <class T>
struct RowScale {
  T largest;
  double log_sum;

  __device__ RowScale(const T* x, std::int64_t columns, unsigned lane) {
    auto best = cuda::Largest<T>::nothing();
    for (std::int64_t c = lane; c < columns; c += kWarp) best.merge({x[c], c});
    for (unsigned mask = kWarp / 2; mask > 0; mask /= 2)
      best.merge(
          {__shfl_xor_sync(kAll, best.value, mask), __shfl_xor_sync(kAll, best.index, mask)});
    largest = best.value;
    // The largest term is 1; log1p keeps the digits of the others where they are small.
    double rest = 0.0;
    for (std::int64_t c = lane; c < columns; c += kWarp)
      if (c != best.index) rest += std::exp(static_cast<double>(x[c] - largest));
    for (unsigned mask = kWarp / 2; mask > 0; mask /= 2) rest += __shfl_xor_sync(kAll, rest, mask);
    log_sum = std::log1p(rest);
  }
  __device__ double log_probability(T x) const {
    return static_cast<double>(x - largest) - log_sum;
  }
};

/// f(row, x of the row, its scale, lane) with a warp for each row.
template <class T, class F>
__global__ void rows_kernel(const T* x, std::int64_t rows, std::int64_t columns, F f) {
  const unsigned lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
  // All lanes of a warp go the same way.
  for (std::int64_t r = std::int64_t{blockIdx.x} * warps + threadIdx.x / kWarp; r < rows;
       r += std::int64_t{gridDim.x} * warps) {
    const T* const row = x + r * columns;
    f(r, row, RowScale<T>(row, columns, lane), lane);
  }
}

template <class T, class F>
void for_each_row(std::string_view op, const Tensor& x, const F& f) {
  if (x.numel() == 0) return;
  cuda::launch(op, x.device(), rows_kernel<T, F>, cuda::blocks_for(x.size(0) * kWarp),
               cuda::kThreads, x.data<T>(), x.size(0), x.size(1), f);
}

template <class T>
struct LogSoftmax {
  T* out;
  std::int64_t columns;
  __device__ void operator()(std::int64_t r, const T* row, const RowScale<T>& scale,
                             unsigned lane) const {
    for (std::int64_t c = lane; c < columns; c += kWarp)
      out[r * columns + c] = static_cast<T>(scale.log_probability(row[c]));
  }
};

void log_softmax_cuda(const Tensor& x, const Tensor& out) {
  expect_rows("log_softmax", x);
  dispatch_floating(x.dtype(), "log_softmax", [&]<class T>() {
    for_each_row<T>("log_softmax", x, LogSoftmax<T>{out.data<T>(), x.size(1)});
  });
}

template <class T>
struct CrossEntropy {
  const std::int64_t* labels;
  std::int64_t columns;
  T* losses;
  cuda::Reporter report;
  __device__ void operator()(std::int64_t r, const T* row, const RowScale<T>& scale,
                             unsigned lane) const {
    if (lane > 0) return;
    const std::int64_t label = labels[r];
    if (0 <= label && label < columns)
      losses[r] = static_cast<T>(-scale.log_probability(row[label]));
    else
      report(label, r, columns);
  }
};

void cross_entropy_cuda(const Tensor& x, const Tensor& labels, const Tensor& losses) {
  constexpr auto op = "cross_entropy";
  expect_rows(op, x);
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    for_each_row<T>(op, x,
                    CrossEntropy<T>{labels.data<std::int64_t>(), x.size(1), losses.data<T>(),
                                    cuda::reporter([](std::int64_t label, std::int64_t r,
                                                      std::int64_t classes) {
                                      check_label("cross_entropy", label, r, classes);
                                    })});
  });
}

template <class T>
struct CrossEntropyGrad {
  const std::int64_t* labels;
  std::int64_t columns;
  T* out;
  cuda::Reporter report;
  __device__ void operator()(std::int64_t r, const T* row, const RowScale<T>& scale,
                             unsigned lane) const {
    const std::int64_t label = labels[r];
    if ((label < 0 || label >= columns) && lane == 0) report(label, r, columns);
    for (std::int64_t c = lane; c < columns; c += kWarp) {
      const double log_p = scale.log_probability(row[c]);
      // expm1 keeps the digits of p - 1 where p is close to 1.
      out[r * columns + c] = static_cast<T>(c == label ? std::expm1(log_p) : std::exp(log_p));
    }
  }
};

void cross_entropy_grad_cuda(const Tensor& x, const Tensor& labels, const Tensor& out) {
  constexpr auto op = "cross_entropy_grad";
  expect_rows(op, x);
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    for_each_row<T>(op, x,
                    CrossEntropyGrad<T>{labels.data<std::int64_t>(), x.size(1), out.data<T>(),
                                        cuda::reporter([](std::int64_t label, std::int64_t r,
                                                          std::int64_t classes) {
                                          check_label("cross_entropy_grad", label, r, classes);
                                        })});
  });
}

const Fill fill_log_softmax{log_softmax, DeviceType::CUDA, &log_softmax_cuda};
const Fill fill_cross_entropy{cross_entropy, DeviceType::CUDA, &cross_entropy_cuda};
const Fill fill_cross_entropy_grad{cross_entropy_grad, DeviceType::CUDA, &cross_entropy_grad_cuda};

}  // namespace
}  // namespace rho::kernels
