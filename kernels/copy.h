// Contract of copying, and the layout and dtype conversions made of it.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// dst = src, converted to dst's dtype (float to integer truncates). One shape, any strides; they
/// must not overlap.
inline constinit Slot<void(const Tensor& src, const Tensor& dst)> copy{"copy"};

/// `x` itself where it is contiguous, else a contiguous copy.
inline Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  copy(x, out);
  return out;
}

/// A contiguous copy, always in new storage.
inline Tensor clone(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  copy(x, out);
  return out;
}

/// `x` itself where it has this dtype, else a converted copy.
inline Tensor to_dtype(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor out = Tensor::empty(x.shape(), dtype, x.device());
  copy(x, out);
  return out;
}

/// Where the next value of `x`, a handle that stays, goes: `x` itself where nobody else holds it,
/// else an empty tensor like it.
inline Tensor successor(const Tensor& x) {
  if (x.is_unique() && x.is_contiguous()) return x;
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

/// `values` with the shape, the dtype and on the device of `like`.
inline Tensor with_values(const Tensor& like, const std::vector<double>& values) {
  return to_dtype(Tensor::from(values, like.shape(), like.device()), like.dtype());
}

}  // namespace rho::kernels
