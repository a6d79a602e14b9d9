#include "kernels/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/channel_rows.h"
#include "kernels/cpu/channel_statistics.h"
#include "kernels/cpu/scratch.h"

namespace rho::kernels {
namespace {

/// The element at `first`; null stays null.
template <class T>
T* at(T* data, std::int64_t first) {
  return data == nullptr ? nullptr : data + first;
}

/// One pass over memory. A chunk's deviations are those from its first row, so that what cancels in
/// its squares, sum d^2 - (sum d)^2 / n, is at most n times what is left: the first row itself
/// deviates from the mean by no less than the mean does from it.
void batch_statistics_cpu(const Tensor& x, const Tensor& mean, const Tensor& variance) {
  expect_batch_statistics(x, mean, variance);
  dispatch_floating(x.dtype(), "batch_statistics", [&]<class T>() {
    const cpu::BatchNormLoops<T>& loops = cpu::batch_norm_loops<T>();
    const cpu::ChannelRows of(x, loops.lanes);
    const T* const data = x.data<T>();
    cpu::ChannelStatistics statistics(of.chunks, of.channels);
    of.for_each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t count) {
      thread_local cpu::Scratch scratch;
      double* const sums = scratch.get<double>(3 * of.period);
      double* const squares = sums + of.period;
      double* const centre = squares + of.period;
      of.repeat(data + first, centre);
      std::fill_n(sums, 2 * of.period, 0.0);
      loops.add_deviations(of.period, centre, data + first, count, sums, squares);
      of.fold(sums, statistics.sums(chunk));
      of.fold(squares, statistics.squares(chunk));
      statistics.centre(chunk, of.rows_of(chunk), centre);
    });
    statistics.merge(mean, variance);
  });
}

/// What batch_norm reads per channel, repeated.
template <class T>
struct Tables {
  std::vector<double> inverse;  // 1 / sqrt(variance + eps), [C]
  std::vector<T> mean, scale, shift;

  Tables(const BatchNormArguments& with, const cpu::ChannelRows& of)
      : inverse(with.variance.to_vector<double>()),
        mean(of.repeat<T>(with.mean.to_vector<double>())),
        shift(of.repeat<T>(with.beta.to_vector<double>())) {
    std::vector<double> factors = with.gamma.to_vector<double>();
    for (std::size_t c = 0; c < factors.size(); ++c) {
      inverse[c] = 1.0 / std::sqrt(inverse[c] + with.eps);
      factors[c] *= inverse[c];
    }
    scale = of.repeat<T>(factors);
  }
};

void batch_norm_cpu(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                    const Tensor& y) {
  expect_batch_norm(x, with, residual, y);
  if (x.numel() == 0) return;
  dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    const cpu::BatchNormLoops<T>& loops = cpu::batch_norm_loops<T>();
    const cpu::ChannelRows of(x, loops.lanes);
    const Tables<T> tables(with, of);
    const cpu::ChannelTables<T> channels{.period = of.period,
                                         .mean = tables.mean.data(),
                                         .scale = tables.scale.data(),
                                         .shift = tables.shift.data()};
    const T *const in = x.data<T>(), *const add = residual.data_or_null<T>();
    T* const out = y.data<T>();
    of.for_each_chunk([&](std::int64_t, std::int64_t first, std::int64_t count) {
      loops.apply(channels, in + first, at(add, first), with.relu, out + first, count,
                  of.streams(out, first));
    });
  });
}

void batch_norm_grad_cpu(const Tensor& x, const BatchNormArguments& with, const Tensor& y,
                         const Tensor& grad_y, const BatchNormGradients& grads) {
  expect_batch_norm_grad(x, with, y, grad_y, grads);
  const bool through_y = grads.through_y(with);
  dispatch_floating(x.dtype(), "batch_norm_grad", [&]<class T>() {
    const cpu::BatchNormLoops<T>& loops = cpu::batch_norm_loops<T>();
    const cpu::ChannelRows of(x, loops.lanes);
    const Tables<T> tables(with, of);
    cpu::ChannelTables<T> channels{.period = of.period,
                                   .mean = tables.mean.data(),
                                   .scale = tables.scale.data(),
                                   .shift = tables.shift.data()};
    const T *const in = x.data<T>(), *const g = grad_y.data<T>();
    const T* const out = through_y ? y.data<T>() : nullptr;
    T* const masked = through_y ? grads.residual.data<T>() : nullptr;
    // Per channel: sum of g, and of g times the centred x.
    std::vector<double> partial(static_cast<std::size_t>(of.chunks * 2 * of.channels));
    of.for_each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t elements) {
      thread_local cpu::Scratch scratch;
      double* const sums = scratch.get<double>(2 * of.period);
      std::fill_n(sums, 2 * of.period, 0.0);
      loops.add_gradients(channels, in + first, at(out, first), g + first, with.relu,
                          at(masked, first), elements, sums, sums + of.period);
      double* const folded = partial.data() + chunk * 2 * of.channels;
      of.fold(sums, folded);
      of.fold(sums + of.period, folded + of.channels);
    });
    const auto width = static_cast<std::size_t>(of.channels);
    std::vector<double> mean_grad(width, 0.0), slope(width, 0.0);
    for (std::size_t chunk = 0; chunk < partial.size(); chunk += 2 * width)
      for (std::size_t c = 0; c < width; ++c) {
        mean_grad[c] += partial[chunk + c];
        slope[c] += partial[chunk + width + c];
      }
    cpu::store(mean_grad, grads.beta);
    for (std::size_t c = 0; c < slope.size(); ++c) slope[c] *= tables.inverse[c];
    cpu::store(slope, grads.gamma);
    const auto count = static_cast<double>(of.rows);
    for (double& value : mean_grad) value /= count;
    for (double& value : slope) value /= count;
    const std::vector<T> inverse = of.repeat<T>(tables.inverse),
                         mean_grads = of.repeat<T>(mean_grad), slopes = of.repeat<T>(slope);
    channels.inverse = inverse.data();
    channels.mean_grad = mean_grads.data();
    channels.slope = slopes.data();
    T* const to = grads.x.data<T>();
    of.for_each_chunk([&](std::int64_t, std::int64_t first, std::int64_t n) {
      loops.grad_x(channels, in + first, (through_y ? masked : g) + first, with.relu && !through_y,
                   to + first, n, of.streams(to, first));
    });
  });
}

void fold_batch_norm_cpu(const Tensor& w, const Tensor& bias, const BatchNormArguments& with,
                         const Tensor& out_w, const Tensor& out_bias) {
  expect_fold_batch_norm(w, bias, with, out_w, out_bias);
  dispatch_floating(w.dtype(), "fold_batch_norm", [&]<class T>() {
    const T *const gamma = with.gamma.data<T>(), *const beta = with.beta.data<T>();
    const T *const mean = with.mean.data<T>(), *const variance = with.variance.data<T>();
    const T* const b = bias.data_or_null<T>();
    const std::int64_t columns = w.size(1);
    for (std::int64_t o = 0; o < w.size(0); ++o) {
      const T s = static_cast<T>(gamma[o] / std::sqrt(variance[o] + with.eps));
      const T* const from = w.data<T>() + o * columns;
      std::transform(from, from + columns, out_w.data<T>() + o * columns,
                     [s](T value) { return s * value; });
      out_bias.data<T>()[o] = beta[o] + s * ((b == nullptr ? T{0} : b[o]) - mean[o]);
    }
  });
}

const Fill fill_statistics{batch_statistics, DeviceType::CPU, &batch_statistics_cpu};
const Fill fill_batch_norm{batch_norm, DeviceType::CPU, &batch_norm_cpu};
const Fill fill_batch_norm_grad{batch_norm_grad, DeviceType::CPU, &batch_norm_grad_cpu};
const Fill fill_fold{fold_batch_norm, DeviceType::CPU, &fold_batch_norm_cpu};

}  // namespace
}  // namespace rho::kernels
