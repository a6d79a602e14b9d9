// Stochastic gradient descent with momentum.
#pragma once

#include "kernels/sgd.h"
#include "optim/optimizer.h"

namespace rho::optim {

struct SgdOptions {
  double momentum = 0.0;      ///< in [0, 1)
  bool nesterov = false;      ///< needs momentum > 0
  double weight_decay = 0.0;  ///< coefficient of ||x||^2 / 2 in the loss, >= 0
};

/// PyTorch's rule, every group alike. With g = dL/dx + weight_decay x, at every step
///   v <- momentum v + g   (so v = g after the first)
///   x <- x - lr v, or with `nesterov` x - lr (g + momentum v)
/// State, where momentum > 0: "GROUP/velocity/i".
class Sgd : public Optimizer {
 public:
  /// Throws where an option is out of its range.
  Sgd(std::vector<Group> groups, double lr, const SgdOptions& options = {});

  State entries() const override;

 private:
  void prepare_step() override;
  void enqueue_step() override;
  const Group* conclude_step() override;

  SgdOptions options_;
  std::vector<std::vector<Tensor>> velocity_;  // [group][tensor]; empty without momentum
  Shared<kernels::SgdStep> step_;
  Shared<std::int64_t> nonfinite_;
};

}  // namespace rho::optim
