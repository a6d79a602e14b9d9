// Batch normalization over every dimension but the last (channels).
#pragma once

#include "autograd/variable.h"

namespace rho {

struct BatchNormOutput {
  Variable y;       ///< shape of x
  Tensor mean;      ///< [C], of the batch
  Tensor variance;  ///< [C], of the batch, biased (divided by the count)
};

/// y = gamma (x - mean) / sqrt(variance + eps) + beta with the statistics of this batch.
/// x [..., C]; gamma, beta [C].
BatchNormOutput batch_norm_train(const Variable& x, const Variable& gamma, const Variable& beta,
                                 double eps);
/// The same with given statistics, which are constants.
Variable batch_norm_eval(const Variable& x, const Variable& gamma, const Variable& beta,
                         const Tensor& mean, const Tensor& variance, double eps);

}  // namespace rho
