// The normal of a norm's sphere, and the inner products that a step is found from.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/sphere_products.h"

namespace rho::kernels::cuda {

__device__ inline double sign(double v) { return v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0; }

/// n_i of V_i, the i-th element of its row; peak: where n is not 0 for p = infinity.
__device__ inline double normal(double v, double p, std::int64_t i, std::int64_t peak) {
  if (p == 2.0) return v;
  if (p == 1.0) return sign(v);
  if (std::isinf(p)) return i == peak ? sign(v) : 0.0;
  return sign(v) * std::pow(std::abs(v), p - 1.0);
}

inline constexpr int kProducts = 10;

/// Adds what one element of V, u, G and n adds to their products: vv vu vg vn, uu ug un, gg gn, nn.
__device__ inline void add_products(double* sums, double v, double u, double g, double n) {
  const double all[4] = {v, u, g, n};
  for (int a = 0; a < 4; ++a)
    for (int b = a; b < 4; ++b) *sums++ += all[a] * all[b];
}

/// Such sums by their names.
__host__ __device__ inline SphereProducts products_of(const double* sums) {
  return {sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8], sums[9]};
}

}  // namespace rho::kernels::cuda
