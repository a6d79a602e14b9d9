#include "kernels/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/batch_norm_grad.h"
#include "kernels/cpu/scratch.h"
#include "kernels/sphere.h"

namespace rho::kernels {
namespace {

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

void follow_statistics_cpu(const MeanAndVariance& running, const MeanAndVariance& found,
                           double momentum, double unbias, const MeanAndVariance& next) {
  expect_follow_statistics(running, found, next);
  dispatch_floating(running.mean.dtype(), "follow_statistics", [&]<class T>() {
    const auto follow = [&](const Tensor& at, const Tensor& to, double factor, const Tensor& out) {
      std::transform(at.data<T>(), at.data<T>() + at.numel(), to.data<T>(), out.data<T>(),
                     LinearCombination{1.0 - momentum, momentum * factor});
    };
    follow(running.mean, found.mean, 1.0, next.mean);
    follow(running.variance, found.variance, unbias, next.variance);
  });
}

void batch_norm_cpu(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                    const Tensor& y) {
  expect_batch_norm(x, with, residual, y);
  if (x.numel() == 0) return;
  dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    const cpu::BatchNormLoops<T>& loops = cpu::batch_norm_loops<T>();
    const cpu::ChannelRows of(x, loops.lanes);
    const cpu::BatchNormTables<T> tables(with, of);
    const cpu::ChannelTables<T> channels = tables.view(of);
    const T *const in = x.data<T>(), *const add = residual.data_or_null<T>();
    T* const out = y.data<T>();
    of.for_each_chunk([&](std::int64_t, std::int64_t first, std::int64_t count) {
      loops.apply(channels, in + first, cpu::at(add, first), with.relu, out + first, count,
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
    const cpu::BatchNormTables<T> tables(with, of);
    const cpu::ChannelTables<T> channels = tables.view(of);
    const T *const in = x.data<T>(), *const g = grad_y.data<T>();
    const T* const out = through_y ? y.data<T>() : nullptr;
    T* const masked = through_y ? grads.residual.data<T>() : nullptr;
    // Per channel: sum of g, and of g times the centred x.
    std::vector<double> partial(static_cast<std::size_t>(of.chunks * 2 * of.channels));
    of.for_each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t elements) {
      of.sum<2>(partial.data() + chunk * 2 * of.channels, [&](double* sums) {
        loops.add_gradients(channels, in + first, cpu::at(out, first), {g + first}, with.relu,
                            cpu::at(masked, first), elements, sums, sums + of.period, false);
      });
    });
    const std::vector<double> sums = cpu::totals(partial, 2 * of.channels);
    cpu::finish_batch_norm_grad(x, of, tables, sums, through_y ? masked : g,
                                with.relu && !through_y, grads);
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
const Fill fill_follow{follow_statistics, DeviceType::CPU, &follow_statistics_cpu};
const Fill fill_batch_norm{batch_norm, DeviceType::CPU, &batch_norm_cpu};
const Fill fill_batch_norm_grad{batch_norm_grad, DeviceType::CPU, &batch_norm_grad_cpu};
const Fill fill_fold{fold_batch_norm, DeviceType::CPU, &fold_batch_norm_cpu};

}  // namespace
}  // namespace rho::kernels
