// Contracts of batch normalization. x, y and gradients are contiguous [R, C]: R values of each of C
// channels. mean, variance, gamma, beta and their gradients are contiguous [C]. One floating dtype.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// mean and (biased) variance of every channel, accumulated in double; R >= 1.
inline constinit Slot<void(const Tensor& x, const Tensor& mean, const Tensor& variance)>
    batch_statistics{"batch_statistics"};

/// What a normalization is applied with: y = gamma (x - mean) / sqrt(variance + eps) + beta.
struct BatchNormArguments {
  Tensor mean, variance, gamma, beta;
  double eps = 0.0;
};

inline constinit Slot<void(const Tensor& x, const BatchNormArguments& with, const Tensor& y)>
    batch_norm{"batch_norm"};

/// Gradients of batch_norm where mean and variance are those of x itself (Ioffe and Szegedy 2015,
/// section 3).
inline constinit Slot<void(const Tensor& x, const BatchNormArguments& with, const Tensor& grad_y,
                           const Tensor& grad_x, const Tensor& grad_gamma, const Tensor& grad_beta)>
    batch_norm_grad{"batch_norm_grad"};

}  // namespace rho::kernels
