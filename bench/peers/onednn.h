// oneDNN's convolutions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/support/convolution.h"

namespace rho::bench {

/// One of the ways in which oneDNN does a convolution.
struct OneDnnConvolution {
  std::string name;                ///< "blocked, jit:avx512_core"
  bool winograd;                   ///< fewer operations than the plain sums have, and less exact
  std::function<void()> run;       ///< operands and result stay in the layout that it prefers
  std::function<Tensor()> result;  ///< of the last run, in our layout
};

/// Empty where the benchmarks were configured without oneDNN.
std::string onednn_version();

/// Every way that it has, over layouts (its own blocked ones, channels last) and algorithms.
/// Operands, result and options are those of kernels/conv2d.h, `out` is the result's shape.
std::vector<OneDnnConvolution> onednn_convolutions(Direction direction, const Tensor& a,
                                                   const Tensor& b,
                                                   const kernels::Conv2dOptions& options,
                                                   const Shape& out);

}  // namespace rho::bench
