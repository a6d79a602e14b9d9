// Contracts of the reductions over the middle dimension of a contiguous x [A, R, B].
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

inline void expect_middle(std::string_view op, const Tensor& x, const Tensor& out) {
  check(x.rank() == 3 && out.rank() == 2 && x.size(0) == out.size(0) && x.size(2) == out.size(1),
        op, "expects [A, R, B] and [A, B], found ", x.shape(), " and ", out.shape());
  check(x.is_contiguous() && out.is_contiguous(), op, "expects contiguous tensors");
}

/// out[a, b] = sum over r of x[a, r, b], accumulated in double; out [A, B] of the dtype of x. The
/// same bits for any number of threads.
inline constinit Slot<void(const Tensor& x, const Tensor& out)> sum{"sum"};

/// values[a, b] = largest x[a, r, b]; positions (int64) [A, B] = its first row-major position in x.
/// A NaN is larger than every number. R >= 1.
inline constinit Slot<void(const Tensor& x, const Tensor& values, const Tensor& positions)> max{
    "max"};

/// out[a, b] (int64) = the first r where x[a, r, b] is largest. R >= 1.
inline constinit Slot<void(const Tensor& x, const Tensor& out)> argmax{"argmax"};

}  // namespace rho::kernels
