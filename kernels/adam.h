// Contract of Adam's pass over one parameter.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  double correction1, correction2;  ///< 1 - beta^t at this step t, counted from 1
};

/// With g = grad + weight_decay x: first = beta1 first + (1 - beta1) g, second likewise of g^2, and
/// out = x - lr / correction1 * first / (sqrt(second / correction2) + eps). Contiguous tensors of
/// one shape and floating dtype.
inline constinit Slot<void(const Tensor& x, const Tensor& grad, const Tensor& first,
                           const Tensor& second, const AdamStep& step, const Tensor& out)>
    adam{"adam"};

}  // namespace rho::kernels
