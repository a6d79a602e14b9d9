// Small-step descent with the project's optimizers: what the flows are the limit of.
#pragma once

#include "optim/factory.h"
#include "tools/dynamics/integrate.h"

namespace rho::dynamics {

/// The weights that optimizer `options.name` reaches from `start`, a step of its learning rate lr
/// being a time lr: at the ascending times `times`, each rounded to a whole number of steps, which
/// is what the trajectory's t says.
Trajectory descend(NetworkSystem& system, const Vector& start,
                   const optim::OptimizerOptions& options, const Vector& times);

}  // namespace rho::dynamics
