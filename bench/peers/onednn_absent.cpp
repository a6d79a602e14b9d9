#include "bench/peers/onednn.h"

namespace rho::bench {

std::string onednn_version() { return {}; }

std::vector<PeerConvolution> onednn_convolutions(Direction, const Tensor&, const Tensor&,
                                                 const kernels::Conv2dOptions&, const Shape&) {
  return {};
}

}  // namespace rho::bench
