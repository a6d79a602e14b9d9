// Random tensors.
#pragma once

#include <algorithm>

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace rho::bench {

/// Uniform in [-1, 1); the same for the same stream.
inline Tensor random(const Shape& shape, DType dtype, std::uint64_t stream) {
  Rng rng(1, stream);
  const Tensor out = Tensor::empty(shape, dtype);
  dispatch_floating(dtype, "random", [&]<class T>() {
    std::generate_n(out.data<T>(), out.numel(),
                    [&] { return static_cast<T>(2.0 * rng.uniform() - 1.0); });
  });
  return out;
}

}  // namespace rho::bench
