// Batch normalization over every dimension but the last (channels).
#pragma once

#include "autograd/ops/epilogue.h"

namespace rho {

struct BatchNormOutput {
  Variable y;       ///< shape of x
  Tensor mean;      ///< [C], of the batch
  Tensor variance;  ///< [C], of the batch, biased (divided by the count)
};

/// y = gamma (x - mean) / sqrt(variance + eps) + beta with the statistics of this batch.
/// x [..., C]; gamma, beta [C]. What follows is applied to y in the same pass, and its gradient
/// taken in the same passes. The statistics, where they are known, are those of x and not taken
/// again.
BatchNormOutput batch_norm_train(const Variable& x, const Variable& gamma, const Variable& beta,
                                 double eps, const Epilogue& then = {},
                                 const BatchStatistics& known = {});
/// The same with given statistics, which are constants.
Variable batch_norm_eval(const Variable& x, const Variable& gamma, const Variable& beta,
                         const Tensor& mean, const Tensor& variance, double eps,
                         const Epilogue& then = {});

/// weight [C, ...], bias [C] or undefined
struct AffineMap {
  Variable weight, bias;
};
/// An affine map and the normalization of its channels by given statistics behind it, as one affine
/// map: weight gamma / sqrt(variance + eps), beta + gamma (bias - mean) / sqrt(variance + eps).
AffineMap fold_batch_norm(const AffineMap& map, const Variable& gamma, const Variable& beta,
                          const Tensor& mean, const Tensor& variance, double eps);

}  // namespace rho
