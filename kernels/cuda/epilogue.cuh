// What convolutions do to an output before they store it (Conv2dEpilogue), as a kernel's argument.
#pragma once

#include "kernels/conv2d.h"
#include "kernels/cuda/vector.cuh"

namespace rho::kernels::cuda {

/// Null: no such part.
template <class T>
struct Epilogue {
  const T *bias, *residual;
  bool relu;

  explicit Epilogue(const Conv2dEpilogue& of)
      : bias(of.bias.data_or_null<T>()), residual(of.residual.data_or_null<T>()), relu(of.relu) {}

  /// `values` of channel o and those next to it, which go to y + at.
  template <int kWidth>
  __device__ Vector<T, kWidth> operator()(int o, std::int64_t at, Vector<T, kWidth> values) const {
    add(bias, o, values);
    add(residual, at, values);
    for (T& value : values.value)
      if (relu && value < 0) value = T{0};
    return values;
  }

 private:
  template <int kWidth>
  __device__ static void add(const T* from, std::int64_t at, Vector<T, kWidth>& values) {
    if (from == nullptr) return;
    const auto added = read<kWidth>(from + at);
    for (int e = 0; e < kWidth; ++e) values.value[e] += added.value[e];
  }
};

}  // namespace rho::kernels::cuda
