// What several kernels require of their arguments; they throw, naming the operation.
#pragma once

#include <string_view>

#include "tensor/tensor.h"

namespace rho::kernels {

/// One shape and one dtype.
inline void expect_alike(std::string_view op, const Tensor& x, const Tensor& other) {
  check(x.shape() == other.shape(), op, "shapes ", x.shape(), " and ", other.shape(), " differ");
  check(x.dtype() == other.dtype(), op, "expects one dtype, found ", x.dtype(), " and ",
        other.dtype());
}

/// The same, and no gaps in `other`.
inline void expect_dense_alike(std::string_view op, const Tensor& x, const Tensor& other) {
  expect_alike(op, x, other);
  check(other.is_contiguous(), op, "expects contiguous tensors");
}

/// A matrix [R, C] and a value for each of its channels [C].
inline void expect_channels(std::string_view op, const Tensor& x, const Tensor& per_channel) {
  check(x.rank() == 2 && per_channel.rank() == 1 && per_channel.size(0) == x.size(1), op,
        "expects x [R, C] and [C], found ", x.shape(), " and ", per_channel.shape());
  check(x.dtype() == per_channel.dtype(), op, "expects one dtype, found ", x.dtype(), " and ",
        per_channel.dtype());
  check(x.is_contiguous() && per_channel.is_contiguous(), op, "expects contiguous tensors");
}

}  // namespace rho::kernels
