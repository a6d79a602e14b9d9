#include "tools/dynamics/order.h"

#include <algorithm>

namespace rho::dynamics {

double largest_distance(const Trajectory& a, const Trajectory& b) {
  double out = 0.0;
  for (std::size_t i = 0; i < a.w.size(); ++i) out = std::max(out, distance(a.w[i], b.w[i]));
  return out;
}

Estimate order_in_rate(NetworkSystem& system, const Vector& start, const std::string& optimizer,
                       const std::string& flow, double end, double unit) {
  Vector log_rates, log_distances;
  for (const double rate : {0.04, 0.02, 0.01, 0.005}) {
    const double lr = rate * unit;
    const Trajectory descent =
        descend(system, start, {.name = optimizer, .lr = lr}, log_times(end / 64, end, 12));
    const Trajectory exact = integrate(*make_flow(flow, system), start, descent.t);
    log_rates.push_back(std::log(lr));
    log_distances.push_back(std::log(largest_distance(exact, descent)));
  }
  return fit_line(log_rates, log_distances).slope;
}

}  // namespace rho::dynamics
