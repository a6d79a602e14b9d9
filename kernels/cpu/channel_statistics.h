// Batch statistics, from sums over parts of the rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace rho::kernels::cpu {

/// to[c] = values[c]
inline void store(const std::vector<double>& values, const Tensor& to) {
  dispatch_floating(to.dtype(), "store", [&]<class T>() {
    std::transform(values.begin(), values.end(), to.data<T>(),
                   [](double value) { return static_cast<T>(value); });
  });
}

/// Means and centred squares of each part, merged by the update of Chan, Golub and LeVeque (1983),
/// for all parts at once: in an order that is that of the parts, whoever has set them.
class ChannelStatistics {
 public:
  ChannelStatistics(std::int64_t parts, std::int64_t channels)
      : channels_(channels),
        counts_(static_cast<std::size_t>(parts), 0.0),
        values_(static_cast<std::size_t>(parts * 2 * channels)) {}

  /// Where the sums of a part may be taken: of the deviations from a centre that is near its
  /// values, and of their squares.
  double* sums(std::int64_t part) { return values_.data() + part * 2 * channels_; }
  double* squares(std::int64_t part) { return sums(part) + channels_; }

  /// Makes means and centred squares of a part's sums: `count` rows of it deviated from `centre`.
  template <class T>
  void centre(std::int64_t part, std::int64_t count, const T* centre) {
    const auto rows = static_cast<double>(count);
    counts_[static_cast<std::size_t>(part)] = rows;
    double* const means = sums(part);
    double* const centred = squares(part);
    for (std::int64_t c = 0; c < channels_; ++c) {
      means[c] /= rows;
      centred[c] -= rows * means[c] * means[c];
      means[c] += static_cast<double>(centre[c]);
    }
  }

  /// Mean and (biased) variance of every channel.
  void merge(const Tensor& mean, const Tensor& variance) {
    const auto width = static_cast<std::size_t>(channels_);
    std::vector<double> means(width, 0.0), centred(width, 0.0);
    double count = 0.0;
    for (std::size_t part = 0; part < counts_.size(); ++part) {
      const double* const of_part = sums(static_cast<std::int64_t>(part));
      count += counts_[part];
      for (std::size_t c = 0; c < width; ++c) means[c] += counts_[part] * of_part[c];
    }
    for (double& value : means) value /= count;
    for (std::size_t part = 0; part < counts_.size(); ++part) {
      const double* const of_part = sums(static_cast<std::int64_t>(part));
      for (std::size_t c = 0; c < width; ++c) {
        const double d = of_part[c] - means[c];
        centred[c] += of_part[width + c] + counts_[part] * d * d;
      }
    }
    for (double& value : centred) value /= count;
    store(means, mean);
    store(centred, variance);
  }

 private:
  std::int64_t channels_;
  std::vector<double> counts_, values_;
};

}  // namespace rho::kernels::cpu
