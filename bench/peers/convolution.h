// A convolution of another library.
#pragma once

#include <functional>
#include <string>

#include "tensor/tensor.h"

namespace rho::bench {

/// One of the ways in which the library does it.
struct PeerConvolution {
  std::string name;                ///< "blocked, jit:avx512_core"
  bool winograd;                   ///< fewer operations than the plain sums have, and less exact
  std::function<void()> run;       ///< operands and result stay in the layout that it prefers
  std::function<Tensor()> result;  ///< of the last run, in our layout
};

}  // namespace rho::bench
