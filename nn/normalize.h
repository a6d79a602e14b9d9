// The normalized network f~ and its scale: f = rho f~.
#pragma once

#include "nn/module.h"

namespace rho::nn {

/// Makes `model` its normalized network f~, in which every layer has the p-norm `layer_norm`; with
/// `apply` false only measures (docs/theory.md). In the result, log_scale is log rho (for residual
/// networks that of the output's scale), layers the norms in order. Batch norm must be folded.
Rescaling normalize(Module& model, double p = 2.0, bool apply = true, double layer_norm = 1.0);

}  // namespace rho::nn
