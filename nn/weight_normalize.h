// Weight normalization of a whole network.
#pragma once

#include "nn/module.h"

namespace rho::nn {

/// Wraps every Linear and Conv2d of `module` in a WeightNorm (see nn/layers/weight_norm.h): a norm
/// per output channel, or one per layer. The function that the module computes stays; layers that
/// are wrapped already are left alone. Throws, naming the layer, where its weight, or a channel of
/// it, is 0, and where a layer is not in a Sequential, in which alone it can be replaced.
void weight_normalize(Module& module, bool per_channel = true);

}  // namespace rho::nn
