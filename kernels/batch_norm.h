// Contracts of batch normalization and of what follows it in a network: a residual and a rectifier,
// done in the same pass over memory. x, y, residual and their gradients are contiguous [R, C]: R
// values of each of C channels. mean, variance, gamma, beta and their gradients are contiguous [C].
// One floating dtype.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// mean and (biased) variance of every channel, accumulated in double; R >= 1.
inline constinit Slot<void(const Tensor& x, const Tensor& mean, const Tensor& variance)>
    batch_statistics{"batch_statistics"};

/// Mean and variance of every channel.
struct MeanAndVariance {
  Tensor mean, variance;

  void for_each_tensor(const auto& visit) const {
    visit(mean);
    visit(variance);
  }
};

/// next = (1 - momentum) running + momentum found, of found.variance `unbias` times as much;
/// computed in double and rounded once. `next` may be `running`.
inline constinit Slot<void(const MeanAndVariance& running, const MeanAndVariance& found,
                           double momentum, double unbias, const MeanAndVariance& next)>
    follow_statistics{"follow_statistics"};

/// What a normalization is applied with: z = gamma (x - mean) / sqrt(variance + eps) + beta, and
/// y = max(z + residual, 0); NaN stays NaN.
struct BatchNormArguments {
  Tensor mean, variance, gamma, beta;
  double eps = 0.0;
  bool relu = false;  ///< without it, y = z + residual
};

/// An undefined residual is none.
inline constinit Slot<void(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                           const Tensor& y)>
    batch_norm{"batch_norm"};

/// What batch_norm_grad writes. grad_residual: grad_y where y > 0, else 0; undefined where there
/// was no residual, or no rectifier (then it is grad_y itself). grad_residual, or where there is
/// none grad_x, may lie in grad_y's memory; where there is, grad_x may lie in y's.
struct BatchNormGradients {
  Tensor x, gamma, beta, residual;

  /// Whether the rectifier's way back reads y.
  bool through_y(const BatchNormArguments& with) const { return with.relu && residual.defined(); }
};

/// Gradients of batch_norm where mean and variance are those of x itself (Ioffe and Szegedy 2015,
/// section 3). y is read only where grads.residual is defined: without a residual its sign follows
/// from x.
inline constinit Slot<void(const Tensor& x, const BatchNormArguments& with, const Tensor& y,
                           const Tensor& grad_y, const BatchNormGradients& grads)>
    batch_norm_grad{"batch_norm_grad"};

/// The affine map w x + bias and the normalization of its channels behind it as one such map: with
/// s = gamma / sqrt(variance + eps), row o of out_w is s_o times that of w, and
/// out_bias = beta + s (bias - mean). w and out_w are contiguous [C, K], out_bias is [C]; so is the
/// bias, and 0 where it is undefined.
inline constinit Slot<void(const Tensor& w, const Tensor& bias, const BatchNormArguments& with,
                           const Tensor& out_w, const Tensor& out_bias)>
    fold_batch_norm{"fold_batch_norm"};

// What these require; they throw, naming the operation.
void expect_batch_statistics(const Tensor& x, const Tensor& mean, const Tensor& variance);
void expect_follow_statistics(const MeanAndVariance& running, const MeanAndVariance& found,
                              const MeanAndVariance& next);
void expect_batch_norm(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                       const Tensor& y);
void expect_batch_norm_grad(const Tensor& x, const BatchNormArguments& with, const Tensor& y,
                            const Tensor& grad_y, const BatchNormGradients& grads);
void expect_fold_batch_norm(const Tensor& w, const Tensor& bias, const BatchNormArguments& with,
                            const Tensor& out_w, const Tensor& out_bias);

}  // namespace rho::kernels
