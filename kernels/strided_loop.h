// The loop over tensors of one shape and any strides, reduced to as few dimensions as possible.
#pragma once

#include <array>

#include "tensor/tensor.h"

namespace rho::kernels {

/// The shape common to N tensors, neighbouring dimensions merged where every tensor allows it and
/// extents of 1 dropped; at least one dimension remains.
template <std::size_t N>
struct StridedLoop {
  Shape shape;
  std::array<Strides, N> strides;

  template <class... Tensors>
  explicit StridedLoop(const Tensors&... tensors) {
    static_assert(sizeof...(Tensors) == N);
    const std::array<const Tensor*, N> all{&tensors...};
    const Shape& full = all[0]->shape();
    for (int d = 0; d < full.size(); ++d) {
      if (full[d] == 1) continue;
      bool merges = !shape.empty();
      for (std::size_t t = 0; t < N && merges; ++t)
        merges = strides[t].back() == all[t]->strides()[d] * full[d];
      if (merges)
        shape[shape.size() - 1] *= full[d];
      else
        shape.push_back(full[d]);
      for (std::size_t t = 0; t < N; ++t) {
        const std::int64_t stride = all[t]->strides()[d];
        if (merges)
          strides[t][shape.size() - 1] = stride;
        else
          strides[t].push_back(stride);
      }
    }
    if (!shape.empty()) return;
    shape.push_back(1);
    for (Strides& stride : strides) stride.push_back(1);
  }
};

}  // namespace rho::kernels
