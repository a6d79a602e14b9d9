// oneDNN's convolutions.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/convolution.h"
#include "bench/support/convolution.h"

namespace rho::bench {

/// Empty where the benchmarks were configured without oneDNN.
std::string onednn_version();

/// Every way that it has, over layouts (its own blocked ones, channels last) and algorithms.
/// Operands, result and options are those of kernels/conv2d.h, `out` is the result's shape.
std::vector<PeerConvolution> onednn_convolutions(Direction direction, const Tensor& a,
                                                 const Tensor& b,
                                                 const kernels::Conv2dOptions& options,
                                                 const Shape& out);

}  // namespace rho::bench
