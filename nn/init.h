// Initial weights.
#pragma once

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace rho::nn {

enum class InitKind {
  He,          ///< normal, variance 2 / fan_in (He et al. 2015, eq. 10)
  Glorot,      ///< uniform, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, eq. 16)
  Normal,      ///< normal with standard deviation Init::std
  Orthogonal,  ///< orthonormal rows or columns of the [O, fan_in] matrix (Saxe et al. 2014)
};

struct Init {
  InitKind kind = InitKind::He;
  double std = 0.0;  ///< of InitKind::Normal; positive there
};

/// A weight [O, ..., I], such as [O, I] or [O, KH, KW, I]: fan_in is the product of all extents but
/// the first, fan_out that of all but the last. Drawn in double from `rng` in row-major order.
Tensor init_weight(const Shape& shape, const Init& init, Rng& rng, DType dtype);

}  // namespace rho::nn
