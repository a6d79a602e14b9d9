// What the ways through batch normalization share: its tables, and the second pass of its gradient.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/batch_norm.h"
#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/channel_rows.h"
#include "kernels/cpu/channel_statistics.h"

namespace rho::kernels::cpu {

/// What batch_norm reads per channel, repeated.
template <class T>
struct BatchNormTables {
  std::vector<double> inverse;  // 1 / sqrt(variance + eps), [C]
  std::vector<T> mean, scale, shift;

  BatchNormTables(const BatchNormArguments& with, const ChannelRows& of)
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

  ChannelTables<T> view(const ChannelRows& of) const {
    return {.period = of.period, .mean = mean.data(), .scale = scale.data(), .shift = shift.data()};
  }
};

/// grads.beta, .gamma and .x from sums [2][C] of g and of g (x - mean). `relu`: the rectifier's way
/// back has still to be gone.
template <class T>
void finish_batch_norm_grad(const Tensor& x, const ChannelRows& of,
                            const BatchNormTables<T>& tables, const std::vector<double>& sums,
                            const T* g, bool relu, const BatchNormGradients& grads) {
  const auto width = static_cast<std::ptrdiff_t>(of.channels);
  std::vector<double> mean_grad(sums.begin(), sums.begin() + width),
      slope(sums.begin() + width, sums.end());
  store(mean_grad, grads.beta);
  for (std::size_t c = 0; c < slope.size(); ++c) slope[c] *= tables.inverse[c];
  store(slope, grads.gamma);
  const auto count = static_cast<double>(of.rows);
  for (double& value : mean_grad) value /= count;
  for (double& value : slope) value /= count;
  const std::vector<T> inverse = of.repeat<T>(tables.inverse), mean_grads = of.repeat<T>(mean_grad),
                       slopes = of.repeat<T>(slope);
  ChannelTables<T> channels = tables.view(of);
  channels.inverse = inverse.data();
  channels.mean_grad = mean_grads.data();
  channels.slope = slopes.data();
  const BatchNormLoops<T>& loops = batch_norm_loops<T>();
  const T* const in = x.data<T>();
  T* const to = grads.x.data<T>();
  of.for_each_chunk([&](std::int64_t, std::int64_t first, std::int64_t n) {
    loops.grad_x(channels, in + first, g + first, relu, to + first, n, of.streams(to, first));
  });
}

}  // namespace rho::kernels::cpu
