// The state that exact normalization carries through a network: docs/theory.md, Normalization.
#pragma once

#include <string>
#include <vector>

#include "autograd/variable.h"

namespace rho::nn {

struct LayerNorm {
  std::string name;
  double norm;
};

/// Activations satisfy a = exp(log_scale) * a~, where a~ is the normalized network's.
struct Rescaling {
  double p = 2.0;           ///< the norm; infinity for the largest absolute value
  double layer_norm = 1.0;  ///< of every layer of the normalized network
  double log_scale = 0.0;   ///< of the current activation, starts at 0 for the input
  bool first = true;  ///< the next weighted layer is the first one: its bias counts in its norm
  bool apply = true;  ///< false: only measure, leave the weights alone
  std::vector<LayerNorm> layers;
};

/// One layer y = W x + b: W <- W / rho_k, b <- b / c_k with c_k = c_(k-1) rho_k. rho_k is the norm
/// of W, and of (W, b) in the first layer, over layer_norm. `bias` may be undefined. Computed in
/// double, on the host. Throws, naming the layer, where the norm is 0 or not finite, or where b /
/// c_k is too large.
void rescale_weighted(Rescaling& state, const std::string& name, Variable weight, Variable bias);

}  // namespace rho::nn
