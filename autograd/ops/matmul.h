// Matrix products.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// [..., M, K] x [..., K, N] -> [..., M, N]; leading dimensions broadcast. Any strides.
Variable matmul(const Variable& a, const Variable& b);

}  // namespace rho
