#include "nn/normalize.h"

namespace rho::nn {

Rescaling normalize(Module& model, double p, bool apply) {
  Rescaling state;
  state.p = p;
  state.apply = apply;
  model.rescale(state, "");
  return state;
}

}  // namespace rho::nn
