#include "nn/normalize.h"

#include <cmath>

namespace rho::nn {

Rescaling normalize(Module& model, double p, bool apply, double layer_norm) {
  check(layer_norm > 0.0 && std::isfinite(layer_norm), "normalize", "layer_norm ", layer_norm,
        ", expected a positive number");
  Rescaling state;
  state.p = p;
  state.layer_norm = layer_norm;
  state.apply = apply;
  model.rescale(state, "");
  return state;
}

}  // namespace rho::nn
