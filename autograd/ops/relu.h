// Rectifier.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// max(x, 0), any shape; derivative 0 at 0.
Variable relu(const Variable& x);

}  // namespace rho
