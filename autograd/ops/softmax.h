// Log-softmax.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// x - log sum exp x over the last dimension, without overflow.
Variable log_softmax(const Variable& x);

}  // namespace rho
