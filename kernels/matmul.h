// Contract of the matrix product.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// out[..., m, n] = sum over k of a[..., m, k] * b[..., k, n], overwritten.
/// a [..., M, K] and b [..., K, N] of any strides (0 and transposed too) and of the same leading
/// extents; out [..., M, N] contiguous. All of one floating dtype.
inline constinit Slot<void(const Tensor& a, const Tensor& b, const Tensor& out)> matmul{"matmul"};

}  // namespace rho::kernels
