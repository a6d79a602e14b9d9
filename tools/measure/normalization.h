// The normalized twin of a network, and how exactly the two agree.
#pragma once

#include <memory>
#include <vector>

#include "nn/model.h"
#include "nn/rescale.h"
#include "tools/measure/evaluate.h"

namespace rho::measure {

struct Normalization {
  double log_rho = 0.0;                    ///< f = exp(log_rho) f~
  std::vector<nn::LayerNorm> layers;       ///< after folding, in order
  std::shared_ptr<nn::Module> normalized;  ///< f~
};

/// Folds and normalizes copies of `model`, an instance of `spec`, which is left alone: exact for
/// residual networks too (docs/theory.md). p in [1, inf] is the layers' norm, `layer_norm` what it
/// is in f~. Throws, naming the layer, where a norm is 0 or not finite.
Normalization normalize(const nn::ModelSpec& spec, nn::Module& model, double p, DType dtype,
                        double layer_norm = 1.0);

/// max |f exp(-log_rho) - f~| / max |f exp(-log_rho)| over all examples and classes
/// (docs/theory.md, identity 6); NaN where an output is.
double max_relative_deviation(const Outputs& f, const Outputs& f_tilde, double log_rho);

/// The number of examples whose predicted class differs.
std::int64_t classes_changed(const Outputs& f, const Outputs& f_tilde);

}  // namespace rho::measure
