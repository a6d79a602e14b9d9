#include "tools/measure/cross_entropy.h"

#include <algorithm>

#include "tools/measure/logits.h"

namespace rho::measure {
namespace {

// Below this gap expm1 can not overflow and log1p has something to save.
constexpr double kSmallGap = 1.0;

// log(1/C sum_j exp(z_j - z_y)).
double minus_log_classes(std::span<const double> row, std::size_t label, const Normalizer& scaled) {
  const auto classes = static_cast<double>(row.size());
  double largest = 0.0;
  for (const double logit : row) largest = std::max(largest, scaled(logit - row[label]));
  double sum = 0.0;
  if (largest <= kSmallGap) {
    for (const double logit : row) sum += std::expm1(scaled(logit - row[label]));
    return std::log1p(sum / classes);
  }
  for (const double logit : row) sum += std::exp(scaled(logit - row[label]) - largest);
  return largest + std::log(sum / classes);
}

// log sum_j exp(z_j - z_y): the label's own term, 1, is left out of the sum and put back by log1p,
// so that the loss of a confident example keeps its digits.
double loss(std::span<const double> row, std::size_t label, const Normalizer& scaled) {
  double largest = 0.0;
  for (const double logit : row) largest = std::max(largest, scaled(logit - row[label]));
  double others = 0.0;
  for (std::size_t j = 0; j < row.size(); ++j)
    if (j != label) others += std::exp(scaled(row[j] - row[label]) - largest);
  if (largest == 0.0) return std::log1p(others);
  return largest + std::log(std::exp(-largest) + others);
}

template <class Loss>
double mean_over_examples(const Outputs& outputs, Loss&& of_example) {
  double sum = 0.0;
  for_each_example(outputs, [&](std::span<const double> row, std::size_t label) {
    sum += of_example(row, label);
  });
  return sum / static_cast<double>(outputs.labels.size(0));
}

}  // namespace

double cross_entropy(const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  return mean_over_examples(outputs, [&](std::span<const double> row, std::size_t label) {
    return loss(row, label, scaled);
  });
}

double cross_entropy_minus_log_classes(const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  return mean_over_examples(outputs, [&](std::span<const double> row, std::size_t label) {
    return minus_log_classes(row, label, scaled);
  });
}

double error(const Outputs& outputs) {
  return mean_over_examples(outputs, [](std::span<const double> row, std::size_t label) {
    return predicted_class(row) == static_cast<std::int64_t>(label) ? 0.0 : 1.0;
  });
}

}  // namespace rho::measure
