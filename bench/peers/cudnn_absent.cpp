#include "bench/peers/cudnn.h"

namespace rho::bench {

std::string cudnn_version() { return {}; }

std::vector<PeerConvolution> cudnn_convolutions(Direction, const Tensor&, const Tensor&,
                                                const kernels::Conv2dOptions&, const Shape&) {
  return {};
}

}  // namespace rho::bench
