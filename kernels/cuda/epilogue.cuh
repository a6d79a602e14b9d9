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

  /// The sums of a thread (tiling.cuh): the one at (i, j) goes to y + at(i, j), and column j is
  /// channel first + j. In passes, each of which has all its reads under way together.
  template <class ForEach, class At>
  __device__ void operator()(const ForEach& for_each, int first, const At& at) const {
    if (bias != nullptr) for_each([&](int, int j, auto& sums) { add(bias + first + j, sums); });
    if (residual != nullptr)
      for_each([&](int i, int j, auto& sums) { add(residual + at(i, j), sums); });
    if (relu)
      for_each([](int, int, auto& sums) {
        for (T& value : sums.value)
          if (value < 0) value = T{0};
      });
  }

 private:
  template <int kWidth>
  __device__ static void add(const T* from, Vector<T, kWidth>& sums) {
    const auto added = read<kWidth>(from);
    for (int e = 0; e < kWidth; ++e) sums.value[e] += added.value[e];
  }
};

}  // namespace rho::kernels::cuda
