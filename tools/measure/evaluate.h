// What a network says about every example of a data set.
#pragma once

#include "datasets/loader.h"
#include "nn/module.h"

namespace rho::measure {

struct Outputs {
  Tensor logits;  ///< float64 [N, C]
  Tensor labels;  ///< int64 [N]
};

/// One pass over `loader` (its epoch 0) in evaluation mode, without a graph; the module's mode is
/// put back. Throws where the loader is empty, the logits are not [B, C], or a label is not one of
/// the C classes.
Outputs evaluate(nn::Module& model, datasets::Loader& loader);

}  // namespace rho::measure
