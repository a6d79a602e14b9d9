// Reading Outputs row by row.
#pragma once

#include <cmath>
#include <span>

#include "tools/measure/evaluate.h"

namespace rho::measure {

/// Multiplies by exp(-log_rho) in two steps, since rho itself may be beyond the range of double.
class Normalizer {
 public:
  explicit Normalizer(double log_rho) : half_(std::exp(-0.5 * log_rho)) {}
  double operator()(double value) const { return value * half_ * half_; }

 private:
  double half_;
};

/// Calls visit(row, label) for every example, in order; `row` holds its C logits. Throws where
/// logits [N, C] and labels [N] do not belong together.
template <class Visit>
void for_each_example(const Outputs& outputs, Visit&& visit) {
  const Tensor &logits = outputs.logits, &labels = outputs.labels;
  check(logits.rank() == 2 && labels.rank() == 1 && logits.size(0) == labels.size(0) &&
            logits.numel() > 0 && logits.is_contiguous() && labels.is_contiguous(),
        "measure", "expects contiguous logits [N, C] and labels [N], found ", logits.shape(),
        " and ", labels.shape());
  const std::int64_t classes = logits.size(1);
  for (std::int64_t n = 0; n < logits.size(0); ++n)
    visit(std::span<const double>(logits.data<double>() + n * classes,
                                  static_cast<std::size_t>(classes)),
          static_cast<std::size_t>(labels.data<std::int64_t>()[n]));
}

/// The first of the largest logits; -1 where one is NaN.
inline std::int64_t predicted_class(std::span<const double> row) {
  std::size_t best = 0;
  for (std::size_t j = 0; j < row.size(); ++j) {
    if (std::isnan(row[j])) return -1;
    if (row[j] > row[best]) best = j;
  }
  return static_cast<std::int64_t>(best);
}

}  // namespace rho::measure
