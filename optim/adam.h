// Adam.
#pragma once

#include "kernels/adam.h"
#include "optim/optimizer.h"

namespace rho::optim {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;  ///< in [0, 1)
  double eps = 1e-8;                  ///< added to the root of the second moment, >= 0
  double weight_decay = 0.0;          ///< coefficient of ||x||^2 / 2 in the loss, >= 0
};

/// Kingma and Ba 2015, algorithm 1, with PyTorch's place for eps; every group alike. With
/// g = dL/dx + weight_decay x, at step t, which every parameter counts for itself from 1,
///   m <- beta1 m + (1 - beta1) g,   s <- beta2 s + (1 - beta2) g^2
///   x <- x - lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
/// State: "GROUP/first/i" (m), "GROUP/second/i" (s), "GROUP/steps/i" (t).
class Adam : public Optimizer {
 public:
  /// Throws where an option is out of its range.
  Adam(std::vector<Group> groups, double lr, const AdamOptions& options = {});

  State entries() const override;

 private:
  void prepare_step() override;
  void enqueue_step() override;
  const Group* conclude_step() override;

  struct Moments {
    std::vector<Tensor> first, second, steps;  // one of each per tensor of the group
  };

  AdamOptions options_;
  std::vector<Moments> moments_;
  Shared<kernels::AdamElement> elements_;  // of every tensor
  Shared<std::int64_t> nonfinite_;
  std::vector<Tensor> stepped_;  // the numbers of steps of what this one moves
};

}  // namespace rho::optim
