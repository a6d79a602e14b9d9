// Batch norm as part of the weights.
#pragma once

#include "nn/module.h"

namespace rho::nn {

/// Folds every BatchNorm2d that follows a Linear or Conv2d in a Sequential into it, with evaluation
/// statistics (docs/theory.md, Normalization): the function that the module computes in evaluation
/// mode stays.
void fold_batch_norm(Module& module);

}  // namespace rho::nn
