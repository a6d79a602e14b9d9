// The normal of a norm's sphere.
#pragma once

#include <cmath>
#include <cstdint>

namespace rho::kernels::cuda {

__device__ inline double sign(double v) { return v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0; }

/// n_i of V_i, the i-th element of its row; peak: where n is not 0 for p = infinity.
__device__ inline double normal(double v, double p, std::int64_t i, std::int64_t peak) {
  if (p == 2.0) return v;
  if (p == 1.0) return sign(v);
  if (std::isinf(p)) return i == peak ? sign(v) : 0.0;
  return sign(v) * std::pow(std::abs(v), p - 1.0);
}

}  // namespace rho::kernels::cuda
