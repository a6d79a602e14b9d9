// Networks by name: the architectures of docs/theory.md.
#pragma once

#include <memory>
#include <string>

#include "nn/init.h"
#include "nn/module.h"

namespace rho::nn {

struct ModelSpec {
  std::string name;
  Shape input;  ///< of one example: [H, W, C] or [D]
  std::int64_t classes = 0;
};

/// Builds a network with weights drawn from `rng`. A name ending in -wn or -wn-layer is that of a
/// network made weight-normalized, per output channel or per layer (nn/weight_normalize.h). Throws,
/// naming the model: an unknown name (with the list of the known ones), or an input that its layers
/// do not fit.
std::shared_ptr<Module> make_model(const ModelSpec& spec, const Init& init, Rng& rng,
                                   DType dtype = DType::Float32);

/// The known names, for help texts: "convnet3-24, convnet3-34, ...".
std::string model_names();

/// Whether the name asks for weight normalization.
bool is_weight_normalized(const std::string& model);

}  // namespace rho::nn
