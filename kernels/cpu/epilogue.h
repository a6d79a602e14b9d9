// What a convolution's outputs go through on their way to memory.
#pragma once

#include <limits>

#include "kernels/conv2d.h"

namespace rho::kernels::cpu {

/// y <- max(y + bias + residual, floor); NaN stays NaN.
template <class T>
struct Epilogue {
  explicit Epilogue(const Conv2dEpilogue& of)
      : bias(of.bias.data_or_null<T>()),
        residual(of.residual.data_or_null<T>()),
        floor(of.relu ? T{0} : -std::numeric_limits<T>::infinity()),
        empty(of.empty()) {}

  const T* bias;      ///< of every channel; null: none
  const T* residual;  ///< laid out like y; null: none
  T floor;
  bool empty;  ///< changes nothing
};

/// In a pass of its own over y.
void apply_epilogue(const Conv2dEpilogue& then, const Tensor& y);

}  // namespace rho::kernels::cpu
