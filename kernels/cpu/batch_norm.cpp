#include "kernels/batch_norm.h"

#include <cmath>

#include "kernels/cpu/column_sums.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements for a thread to take at once

void expect_channels(std::string_view op, const Tensor& x, const Tensor& per_channel) {
  check(x.rank() == 2 && per_channel.rank() == 1 && per_channel.size(0) == x.size(1), op,
        "expects x [R, C] and [C], found ", x.shape(), " and ", per_channel.shape());
  check(x.dtype() == per_channel.dtype(), op, "expects one dtype, found ", x.dtype(), " and ",
        per_channel.dtype());
  check(x.is_contiguous() && per_channel.is_contiguous(), op, "expects contiguous tensors");
}

void batch_statistics_cpu(const Tensor& x, const Tensor& mean, const Tensor& variance) {
  expect_channels("batch_statistics", x, mean);
  expect_channels("batch_statistics", x, variance);
  const std::int64_t rows = x.size(0), channels = x.size(1);
  check(rows > 0, "batch_statistics", "of no values: shape ", x.shape());
  const double count = static_cast<double>(rows);
  dispatch_floating(x.dtype(), "batch_statistics", [&]<class T>() {
    const T* const data = x.data<T>();
    std::vector<double> centre = cpu::column_sums(
        rows, channels, channels, [&](std::int64_t r, std::int64_t end, double* sums) {
          for (; r < end; ++r)
            for (std::int64_t c = 0; c < channels; ++c) sums[c] += data[r * channels + c];
        });
    for (double& value : centre) value /= count;
    // A second pass over centred values: subtracting squares would cancel.
    const double* const mu = centre.data();
    const std::vector<double> squares = cpu::column_sums(
        rows, channels, channels, [&](std::int64_t r, std::int64_t end, double* sums) {
          for (; r < end; ++r)
            for (std::int64_t c = 0; c < channels; ++c) {
              const double d = data[r * channels + c] - mu[c];
              sums[c] += d * d;
            }
        });
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      mean.data<T>()[c] = static_cast<T>(centre[i]);
      variance.data<T>()[c] = static_cast<T>(squares[i] / count);
    }
  });
}

/// The channels' values in T, with 1 / sqrt(variance + eps).
template <class T>
struct Channels {
  const T *mean, *gamma;
  std::vector<T> inverse;

  explicit Channels(const BatchNormArguments& with)
      : mean(with.mean.data<T>()), gamma(with.gamma.data<T>()) {
    for (const double variance : with.variance.to_vector<double>())
      inverse.push_back(static_cast<T>(1.0 / std::sqrt(variance + with.eps)));
  }
};

void batch_norm_cpu(const Tensor& x, const BatchNormArguments& with, const Tensor& y) {
  for (const Tensor* t : {&with.mean, &with.variance, &with.gamma, &with.beta})
    expect_channels("batch_norm", x, *t);
  const std::int64_t rows = x.size(0), channels = x.size(1);
  dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    const Channels<T> of(with);
    const T *const in = x.data<T>(), *const beta = with.beta.data<T>();
    const T* const inverse = of.inverse.data();
    T* const out = y.data<T>();
    cpu::parallel_ranges(rows, kGrain / channels, [&](std::int64_t r, std::int64_t end) {
      for (; r < end; ++r)
        for (std::int64_t c = 0; c < channels; ++c)
          out[r * channels + c] =
              (in[r * channels + c] - of.mean[c]) * inverse[c] * of.gamma[c] + beta[c];
    });
  });
}

void batch_norm_grad_cpu(const Tensor& x, const BatchNormArguments& with, const Tensor& grad_y,
                         const Tensor& grad_x, const Tensor& grad_gamma, const Tensor& grad_beta) {
  for (const Tensor* t : {&with.mean, &with.variance, &with.gamma, &grad_gamma, &grad_beta})
    expect_channels("batch_norm_grad", x, *t);
  const std::int64_t rows = x.size(0), channels = x.size(1);
  dispatch_floating(x.dtype(), "batch_norm_grad", [&]<class T>() {
    const Channels<T> of(with);
    const T *const in = x.data<T>(), *const g = grad_y.data<T>();
    const T* const inverse = of.inverse.data();
    // Per channel: sum of g, and of g times the normalized x.
    const std::vector<double> sums = cpu::column_sums(
        rows, channels, 2 * channels, [&](std::int64_t r, std::int64_t end, double* partial) {
          for (; r < end; ++r)
            for (std::int64_t c = 0; c < channels; ++c) {
              const double grad = g[r * channels + c];
              partial[c] += grad;
              partial[channels + c] += grad * ((in[r * channels + c] - of.mean[c]) * inverse[c]);
            }
        });
    std::vector<T> mean_g, mean_gx;
    for (std::int64_t c = 0; c < channels; ++c) {
      const double sum_g = sums[static_cast<std::size_t>(c)];
      const double sum_gx = sums[static_cast<std::size_t>(channels + c)];
      grad_beta.data<T>()[c] = static_cast<T>(sum_g);
      grad_gamma.data<T>()[c] = static_cast<T>(sum_gx);
      mean_g.push_back(static_cast<T>(sum_g / static_cast<double>(rows)));
      mean_gx.push_back(static_cast<T>(sum_gx / static_cast<double>(rows)));
    }
    const T *const offset = mean_g.data(), *const slope = mean_gx.data();
    T* const out = grad_x.data<T>();
    cpu::parallel_ranges(rows, kGrain / channels, [&](std::int64_t r, std::int64_t end) {
      for (; r < end; ++r)
        for (std::int64_t c = 0; c < channels; ++c) {
          const T normalized = (in[r * channels + c] - of.mean[c]) * inverse[c];
          out[r * channels + c] =
              of.gamma[c] * inverse[c] * (g[r * channels + c] - offset[c] - normalized * slope[c]);
        }
    });
  });
}

const Fill fill_statistics{batch_statistics, DeviceType::CPU, &batch_statistics_cpu};
const Fill fill_batch_norm{batch_norm, DeviceType::CPU, &batch_norm_cpu};
const Fill fill_batch_norm_grad{batch_norm_grad, DeviceType::CPU, &batch_norm_grad_cpu};

}  // namespace
}  // namespace rho::kernels
