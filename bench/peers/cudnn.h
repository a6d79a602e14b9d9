// cuDNN's convolutions.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/convolution.h"
#include "bench/support/convolution.h"

namespace rho::bench {

/// Empty where the benchmarks were configured without cuDNN.
std::string cudnn_version();

/// Every way that it has in float32, over layouts (channels last and first) and algorithms: as IEEE
/// has it, without tensor cores, or in tf32, whichever this thread's products have; in bf16 it
/// takes no tensors of float32, so there is none. Operands, result and options are those of
/// kernels/conv2d.h, `out` is the result's shape.
std::vector<PeerConvolution> cudnn_convolutions(Direction direction, const Tensor& a,
                                                const Tensor& b,
                                                const kernels::Conv2dOptions& options,
                                                const Shape& out);

}  // namespace rho::bench
