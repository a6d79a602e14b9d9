#include "bench/support/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "bench/support/check.h"

namespace rho::bench {
namespace {

/// Of a tensor, or of several taken together.
class Deviation {
 public:
  void add(const Tensor& found, const Tensor& expected) {
    const auto a = found.to_vector<double>(), b = expected.to_vector<double>();
    if (a.size() != b.size()) difference_ = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      difference_ += (a[i] - b[i]) * (a[i] - b[i]);
      size_ += b[i] * b[i];
    }
  }
  /// ||found - expected|| / ||expected||
  double relative() const { return std::sqrt(difference_ / size_); }

 private:
  double difference_ = 0.0, size_ = 0.0;
};

}  // namespace

std::string mistake(const Results& found, const Results& expected, const Cost& cost,
                    kernels::ProductPrecision precision) {
  const double unit_roundoff = operand_rounding(precision) / 2;  // to nearest, not cut off
  const double error = cost.terms * static_cast<double>(std::numeric_limits<float>::epsilon()) +
                       8.0 * std::sqrt(5.0 * cost.layers) * unit_roundoff;
  const auto off = [](const std::string& what, double by, double tolerance) {
    std::ostringstream out;
    if (!(by <= tolerance)) out << what << " off by " << by << ", more than " << tolerance;
    return out.str();
  };
  Deviation of_logits;
  of_logits.add(found.logits, expected.logits);
  std::string wrong = off("logits", of_logits.relative(), error);
  if (wrong.empty()) wrong = off("loss", std::abs(found.loss / expected.loss - 1.0), error);
  Deviation of_all;
  for (std::size_t i = 0; i < expected.gradients.size() && wrong.empty(); ++i) {
    const auto& [name, gradient] = expected.gradients[i];
    Deviation of_one;
    of_one.add(found.gradients[i].second, gradient);
    of_all.add(found.gradients[i].second, gradient);
    if (precision == kernels::ProductPrecision::Float32)
      wrong = off("gradient of " + name, of_one.relative(), std::sqrt(error));
  }
  if (wrong.empty()) wrong = off("gradient", of_all.relative(), std::sqrt(error));
  for (std::size_t i = 0; i < expected.losses.size() && wrong.empty(); ++i) {
    const double moved = std::abs(expected.losses[i] / expected.loss - 1.0);
    wrong = off("loss of step " + std::to_string(i + 1),
                std::abs(found.losses[i] - expected.losses[i]) / expected.loss,
                error + moved * std::sqrt(error));
  }
  return wrong;
}

}  // namespace rho::bench
