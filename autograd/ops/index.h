// Gather and its adjoint, on flat (row-major) indices.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// y[i] = x.flat[index[i]]; y has the shape of `index` (int64).
Variable gather(const Variable& x, const Tensor& index);
/// y of `shape`, zero but for y.flat[index[i]] += g[i]; g has the shape of `index`.
Variable scatter_add(const Variable& g, const Tensor& index, const Shape& shape);

}  // namespace rho
