#include "kernels/norm.h"

#include <cmath>

namespace rho::kernels {

GroupPeak abs_max_of(const std::vector<Tensor>& tensors) {
  GroupPeak best;
  if (tensors.empty()) return best;
  std::vector<Peak> peaks(tensors.size());
  abs_max(tensors, peaks);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const Peak& peak = peaks[t];
    if (peak.index >= 0 &&
        (best.index < 0 || (!std::isnan(best.value) && !(peak.value <= best.value))))
      best = {peak, t};
  }
  return best;
}

std::optional<std::size_t> first_nonfinite(const std::vector<Tensor>& tensors) {
  if (tensors.empty()) return std::nullopt;
  std::vector<Peak> peaks(tensors.size());
  abs_max(tensors, peaks);
  for (std::size_t t = 0; t < tensors.size(); ++t)
    if (!std::isfinite(peaks[t].value)) return t;
  return std::nullopt;
}

void check_norm_order(double p, std::string_view op) {
  check(p >= 1.0, op, "p = ", p, ", expected p >= 1");
}

double norm(const std::vector<Tensor>& tensors, double p) {
  check_norm_order(p, "norm");
  const double largest = abs_max_of(tensors).value;
  if (std::isinf(p) || largest == 0.0 || !std::isfinite(largest)) return largest;
  double total = 0.0;
  for (const Tensor& tensor : tensors) {
    double sum = 0.0;
    abs_power_sum(tensor, p, largest, sum);
    total += sum;
  }
  return largest * (p == 1.0 ? total : p == 2.0 ? std::sqrt(total) : std::pow(total, 1.0 / p));
}

}  // namespace rho::kernels
