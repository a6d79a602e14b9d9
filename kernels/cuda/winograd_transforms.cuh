// The transforms of Winograd's minimal filtering for 3 taps and tiles of 4 outputs, at the points
// 0, 1, -1, 2, -2 and infinity (Winograd 1980; Lavin and Gray 2016). In one dimension, with E(k)
// evaluating a polynomial of k coefficients at the points, S scaling and B^T interpolating,
//   y = E(4)^T ((S E(3) w) * (B^T x)),   grad_w = E(3)^T ((S E(4) grad_y) * (B^T x)),
// and the gradient of the inputs slides the reversed filter over grad_y. In two dimensions each is
// applied to columns, then rows.
#pragma once

#include <cuda_runtime.h>

namespace rho::kernels::cuda {

inline constexpr int kWinogradTile = 4, kWinogradTaps = 3;
inline constexpr int kWinogradPoints = kWinogradTile + kWinogradTaps - 1;
inline constexpr int kWinogradFrequencies = kWinogradPoints * kWinogradPoints;

/// Cells of a square, row by row, as many as there are; or frequencies.
using WinogradSquare = float[kWinogradFrequencies];

/// B^T
struct Interpolate {
  static constexpr int kIn = kWinogradPoints, kOut = kWinogradPoints;

  __device__ static void apply(const float (&x)[kIn], float (&out)[kOut]) {
    out[0] = x[4] + 4.0F * x[0] - 5.0F * x[2];
    both(x[4] - 4.0F * x[2], 1.0F, x[3] - 4.0F * x[1], out[1], out[2]);
    both(x[4] - x[2], 2.0F, x[3] - x[1], out[3], out[4]);
    out[5] = x[5] + 4.0F * x[1] - 5.0F * x[3];
  }

 private:
  __device__ static void both(float even, float point, float odd, float& at, float& opposite) {
    at = even + point * odd;
    opposite = even - point * odd;
  }
};

/// S E(k)
template <int kCount>
struct Evaluate {
  static constexpr int kIn = kCount, kOut = kWinogradPoints;

  __device__ static void apply(const float (&x)[kIn], float (&out)[kOut]) {
    const float last = kCount > 3 ? x[kCount - 1] : 0.0F;
    out[0] = x[0] * (1.0F / 4.0F);
    both(-1.0F / 6.0F, x[0] + x[2], 1.0F, x[1] + last, out[1], out[2]);
    both(1.0F / 24.0F, x[0] + 4.0F * x[2], 2.0F, x[1] + 4.0F * last, out[3], out[4]);
    out[5] = x[kCount - 1];
  }

 private:
  __device__ static void both(float scale, float even, float point, float odd, float& at,
                              float& opposite) {
    at = scale * even + scale * point * odd;
    opposite = scale * even - scale * point * odd;
  }
};

/// E(k)^T
template <int kCount>
struct Collect {
  static constexpr int kIn = kWinogradPoints, kOut = kCount;

  __device__ static void apply(const float (&x)[kIn], float (&out)[kOut]) {
    const float sum = x[1] + x[2], difference = x[1] - x[2];
    const float far_sum = x[3] + x[4], far_difference = x[3] - x[4];
    out[0] = x[0] + sum + far_sum;
    out[1] = difference + 2.0F * far_difference;
    out[2] = sum + 4.0F * far_sum;
    if constexpr (kCount > 3) out[3] = difference + 8.0F * far_difference;
    out[kCount - 1] += x[5];
  }
};

/// A square, transformed in both directions.
template <class Transform>
__device__ void transform_square(const WinogradSquare& in, WinogradSquare& out) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  float between[kOut][kIn];
#pragma unroll
  for (int j = 0; j < kIn; ++j) {
    float column[kIn], transformed[kOut];
#pragma unroll
    for (int i = 0; i < kIn; ++i) column[i] = in[i * kIn + j];
    Transform::apply(column, transformed);
#pragma unroll
    for (int i = 0; i < kOut; ++i) between[i][j] = transformed[i];
  }
#pragma unroll
  for (int i = 0; i < kOut; ++i) {
    float row[kOut];
    Transform::apply(between[i], row);
#pragma unroll
    for (int j = 0; j < kOut; ++j) out[i * kOut + j] = row[j];
  }
}

}  // namespace rho::kernels::cuda
