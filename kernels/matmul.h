// Contract of the matrix product.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

inline void expect_matmul(const Tensor& a, const Tensor& b, const Tensor& out) {
  bool fits = a.rank() >= 2 && a.rank() == b.rank() && out.rank() == a.rank() &&
              a.size(-1) == b.size(-2) && out.size(-2) == a.size(-2) && out.size(-1) == b.size(-1);
  for (int d = 0; fits && d < a.rank() - 2; ++d)
    fits = a.shape()[d] == b.shape()[d] && a.shape()[d] == out.shape()[d];
  check(fits, "matmul", "shapes ", a.shape(), " and ", b.shape(), " do not give ", out.shape());
  check(a.dtype() == b.dtype() && a.dtype() == out.dtype(), "matmul", "expects one dtype, found ",
        a.dtype(), ", ", b.dtype(), " and ", out.dtype());
  check(out.is_contiguous(), "matmul", "expects a contiguous output, found strides ",
        out.strides());
}

/// out[..., m, n] = sum over k of a[..., m, k] * b[..., k, n], overwritten.
/// a [..., M, K] and b [..., K, N] of any strides (0 and transposed too) and of the same leading
/// extents; out [..., M, N] contiguous. All of one floating dtype. Operands are rounded as
/// kernels/precision.h says.
inline constinit Slot<void(const Tensor& a, const Tensor& b, const Tensor& out)> matmul{"matmul"};

}  // namespace rho::kernels
