#include "kernels/batch_norm.h"
#include "kernels/cuda/winograd.cuh"
#include "kernels/expect.h"

namespace rho::kernels {
namespace {

/// Of some values, about a shift that is one of them: what cancels costs at most as many roundings
/// of double as there are values.
struct Moments {
  double count, shift, sum, squares;

  __host__ __device__ static Moments nothing() { return {0.0, 0.0, 0.0, 0.0}; }
  __device__ void add(double value) {
    if (count == 0.0) shift = value;
    const double d = value - shift;
    count += 1.0;
    sum += d;
    squares += d * d;
  }
  __host__ __device__ void merge(const Moments& other) {
    if (other.count == 0.0) return;
    if (count == 0.0) shift = other.shift;
    const double by = other.shift - shift;
    squares += other.squares + by * (2.0 * other.sum + other.count * by);
    sum += other.sum + other.count * by;
    count += other.count;
  }
};

struct TakeStatistics {
  using State = Moments;
  float *mean, *variance;

  struct Nothing {};
  struct OfChannel {
    __device__ Nothing read(std::int64_t) const { return {}; }
    __device__ float operator()(float value, Nothing, State& moments) const {
      moments.add(static_cast<double>(value));
      return value;
    }
  };
  __device__ OfChannel channel(int) const { return {}; }
  __device__ void conclude(int channel, const State& of) const {
    const double offset = of.sum / of.count, square = of.squares / of.count - offset * offset;
    mean[channel] = static_cast<float>(of.shift + offset);
    variance[channel] = static_cast<float>(square < 0.0 ? 0.0 : square);  // NaN stays
  }
};

void with_statistics_cuda(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                          const Tensor& y, const Tensor& mean, const Tensor& variance) {
  check(y.numel() > 0, "conv2d_with_statistics", "of no values: shape ", y.shape());
  if (cuda::takes_winograd(x.dtype(), x.shape(), w.shape(), y.shape(), options))
    return cuda::winograd_with_statistics(x, w, options, y, mean, variance);
  conv2d_forward(x, w, options, {}, y);
  batch_statistics(y.view({y.numel() / y.size(-1), y.size(-1)}), mean, variance);
}

const Fill fill_with_statistics{conv2d_with_statistics, DeviceType::CUDA, &with_statistics_cuda};

}  // namespace

void cuda::winograd_with_statistics(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                                    const Tensor& y, const Tensor& mean, const Tensor& variance) {
  expect_conv2d(x, w, y, options);
  expect_batch_statistics(y.view({y.numel() / y.size(-1), y.size(-1)}), mean, variance);
  winograd_forward_then(x, w, options, TakeStatistics{mean.data<float>(), variance.data<float>()},
                        y);
}

}  // namespace rho::kernels
