// Contract of filling with one value, and the constant tensors made of it.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// Every element of x = value, converted to its dtype. Any strides.
inline constinit Slot<void(const Tensor& x, double value)> fill{"fill"};

inline Tensor full(const Shape& shape, double value, DType dtype,
                   Device device = default_device()) {
  Tensor out = Tensor::empty(shape, dtype, device);
  fill(out, value);
  return out;
}

inline Tensor zeros(const Shape& shape, DType dtype, Device device = default_device()) {
  return full(shape, 0.0, dtype, device);
}

}  // namespace rho::kernels
