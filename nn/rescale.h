// The state that exact normalization carries through a network: theory.md section 3.
#pragma once

#include <string>
#include <vector>

namespace rho::nn {

struct LayerNorm {
  std::string name;
  double norm;
};

/// Activations satisfy a = exp(log_scale) * a~, where a~ is the normalized network's.
struct Rescaling {
  double p = 2.0;          ///< the norm; infinity for the largest absolute value
  double log_scale = 0.0;  ///< of the current activation, starts at 0 for the input
  bool first = true;       ///< the next weighted layer is the first one: its bias counts in its norm
  bool apply = true;       ///< false: only measure, leave the weights alone
  std::vector<LayerNorm> layers;
};

}  // namespace rho::nn
