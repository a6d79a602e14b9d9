#include "tools/measure/margins.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "tools/measure/logits.h"

namespace rho::measure {
namespace {

// `q` in [0, 1]; `sorted` is not empty.
double quantile(const std::vector<double>& sorted, double q) {
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], rank - static_cast<double>(below));
}

}  // namespace

std::vector<double> margins(const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  std::vector<double> out;
  for_each_example(outputs, [&](std::span<const double> row, std::size_t label) {
    check(row.size() >= 2, "margins", "expects at least 2 classes, found ", row.size());
    double margin = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double gap = row[label] - row[j];
      if (j != label && !(gap >= margin)) margin = gap;
      if (std::isnan(margin)) break;
    }
    out.push_back(scaled(margin));
  });
  return out;
}

double mean_centred_margin(const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  double sum = 0.0;
  for_each_example(outputs, [&](std::span<const double> row, std::size_t label) {
    double gaps = 0.0;  // of gaps rather than of outputs: what is common to all cancels exactly
    for (const double logit : row) gaps += row[label] - logit;
    sum += scaled(gaps / static_cast<double>(row.size()));
  });
  return sum / static_cast<double>(outputs.labels.size(0));
}

MarginSummary summarize(std::vector<double> margins, double factor) {
  check(!margins.empty(), "margins", "there are no examples");
  const double count = static_cast<double>(margins.size());
  for (double& margin : margins) margin *= factor;
  if (std::any_of(margins.begin(), margins.end(), [](double x) { return std::isnan(x); }))
    std::fill(margins.begin(), margins.end(), std::numeric_limits<double>::quiet_NaN());
  else
    std::sort(margins.begin(), margins.end());
  MarginSummary out{};
  out.min = margins.front();
  out.mean = std::accumulate(margins.begin(), margins.end(), 0.0) / count;
  out.p1 = quantile(margins, 0.01);
  out.p5 = quantile(margins, 0.05);
  out.p10 = quantile(margins, 0.10);
  out.p25 = quantile(margins, 0.25);
  out.p50 = quantile(margins, 0.50);
  return out;
}

}  // namespace rho::measure
