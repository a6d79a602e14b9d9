// Optimizers by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "optim/optimizer.h"

namespace rho::optim {

/// The options of every optimizer; each reads those that it has (see its header) and no others.
struct OptimizerOptions {
  std::string name = "sgd";
  double lr = 0.01;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  double p = 2.0;               ///< order of the constrained groups' norm, >= 1 or infinity
  std::string rho = "learned";  ///< see make_scale
  double rho_lr = -1.0;         ///< negative: lr
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  std::int64_t retract_every = 1;  ///< steps
  bool per_channel = false;        ///< a norm for each output channel
  double temperature = 0.0;        ///< of langevin
  std::uint64_t seed = 0;          ///< of langevin's noise
};

/// Throws for an unknown name, with the known ones, and for a value out of its range.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::vector<Group> groups);

/// The known names, for help texts: "sgd, adam, ...".
std::string optimizer_names();

}  // namespace rho::optim
