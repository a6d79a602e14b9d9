#include "tools/measure/outputs.h"

#include <algorithm>

#include "tensor/text.h"
#include "tools/measure/logits.h"
#include "tools/measure/margins.h"

namespace rho::measure {
namespace {

// NaN where a logit is.
double largest(std::span<const double> row) {
  double out = row[0];
  for (const double logit : row) {
    if (std::isnan(logit)) return logit;
    out = std::max(out, logit);
  }
  return out;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

Spread winning_output(const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  std::vector<double> winning;
  for_each_example(
      outputs, [&](std::span<const double> row, std::size_t) { winning.push_back(largest(row)); });
  const double mean = mean_of(winning);
  for (double& value : winning) value = (value - mean) * (value - mean);
  return {scaled(mean), scaled(std::sqrt(mean_of(winning)))};
}

double log_output_norm(const Outputs& outputs, std::int64_t example) {
  const std::int64_t count = outputs.labels.size(0);
  check(0 <= example && example < count, "output_norm", "example ", example, " of ", count,
        ", expected 0 to ", count - 1);
  const std::vector<double> row = outputs.logits.select(0, example).to_vector<double>();
  double size = 0.0;
  for (const double logit : row) size = std::max(size, std::abs(logit));
  if (size == 0.0) return std::log(size);
  double sum = 0.0;  // of squares that neither overflow nor underflow
  for (const double logit : row) sum += (logit / size) * (logit / size);
  return std::log(size) + 0.5 * std::log(sum);
}

std::string example_rows(const std::string& split, const Outputs& outputs, double log_rho) {
  const Normalizer scaled(log_rho);
  const std::vector<double> raw = margins(outputs), normalized = margins(outputs, log_rho);
  std::string text;
  std::size_t n = 0;
  for_each_example(outputs, [&](std::span<const double> row, std::size_t label) {
    const double winning = largest(row);
    text += split + ',' + std::to_string(n) + ',' + std::to_string(label) + ',' +
            std::to_string(predicted_class(row));
    for (const double value : {winning, scaled(winning), raw[n], normalized[n]})
      text += ',' + number_to_text(value);
    text += '\n';
    ++n;
  });
  return text;
}

}  // namespace rho::measure
