#include "tools/dynamics/descent.h"

namespace rho::dynamics {

Trajectory descend(NetworkSystem& system, const Vector& start,
                   const optim::OptimizerOptions& options, const Vector& times) {
  const auto optimizer = optim::make_optimizer(options, system.start(start));
  Trajectory out;
  long long steps = 0;
  for (const double t : times) {
    for (const long long end = std::llround(t / options.lr); steps < end; ++steps) {
      system.backward();
      optimizer->step();
    }
    out.t.push_back(static_cast<double>(steps) * options.lr);
    out.w.push_back(system.weights());
  }
  return out;
}

}  // namespace rho::dynamics
