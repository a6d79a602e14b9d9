// Leaky rectifier.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// x where x > 0, else slope * x; any shape; derivative slope at 0.
Variable leaky_relu(const Variable& x, double slope = 0.01);

}  // namespace rho
