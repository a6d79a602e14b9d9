// Contract of the leaky rectifier; tensors of one shape and one floating dtype, any strides.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// out = x where reference > 0, else slope * x. With reference = x it is the operation itself; with
/// x = its gradient, the derivative.
inline constinit Slot<void(const Tensor& reference, const Tensor& x, double slope,
                           const Tensor& out)>
    leaky_relu{"leaky_relu"};

}  // namespace rho::kernels
