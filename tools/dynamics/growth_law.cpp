#include "tools/dynamics/growth_law.h"

namespace rho::dynamics {

Line fit_growth(const Vector& t, const Vector& log_r, double from) {
  Vector x, y;
  for (std::size_t i = 1; i + 1 < t.size(); ++i) {
    if (t[i] < from) continue;
    const double slope =
        (log_r[i + 1] - log_r[i - 1]) / (std::log1p(t[i + 1]) - std::log1p(t[i - 1]));
    x.push_back(std::log(log_r[i]));
    y.push_back(log_r[i] + std::log(slope) - std::log1p(t[i]));
  }
  return fit_line(x, y);
}

}  // namespace rho::dynamics
