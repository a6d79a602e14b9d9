// Weight and batch normalization as part of the weights. Where a network has both, weight norm is
// folded first: batch norm is folded into a plain layer.
#pragma once

#include "nn/module.h"

namespace rho::nn {

/// Replaces every WeightNorm in a Sequential by the layer that it wraps, with the weight
/// g v / ||v||: the function that the module computes stays. Throws, naming the layer, where a norm
/// of v is 0.
void fold_weight_norm(Module& module);

/// Folds every BatchNorm2d that follows a Linear or Conv2d in a Sequential into it, with evaluation
/// statistics (docs/theory.md, Normalization): the function that the module computes in evaluation
/// mode stays.
void fold_batch_norm(Module& module);

}  // namespace rho::nn
