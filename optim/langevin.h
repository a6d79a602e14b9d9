// Gradient descent with noise of a given temperature.
#pragma once

#include <cstdint>

#include "kernels/langevin.h"
#include "optim/optimizer.h"

namespace rho::optim {

struct LangevinOptions {
  double temperature = 0.0;  ///< T >= 0
  std::uint64_t seed = 0;    ///< of the noise
};

/// Langevin SGD (Issues 2.C): W <- W - lr G + sqrt(2 lr T) xi, with xi standard normal and
/// independent in every element and step. Its stationary density is proportional to exp(-L / T)
/// while lr is small. The noise is a function of (seed, step, tensor): a resumed run repeats it.
/// State: "steps".
class Langevin : public Optimizer {
 public:
  /// Throws where the temperature is out of its range.
  Langevin(std::vector<Group> groups, double lr, const LangevinOptions& options = {});

  State entries() const override;

 private:
  void prepare_step() override;
  void enqueue_step() override;
  const Group* conclude_step() override;

  LangevinOptions options_;
  Tensor steps_;
  Shared<kernels::LangevinStep> step_;
  Shared<std::int64_t> nonfinite_;
};

}  // namespace rho::optim
