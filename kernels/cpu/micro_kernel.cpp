#include "kernels/cpu/micro_kernel.h"

// Scalable vectors cannot be held in arrays, which is how the accumulators are written.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/micro_kernel.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The loops over rows and vectors must unroll fully, or the accumulators do not stay in registers.
template <int kRows, int kVectors, class T>
HWY_ATTR void run_tile(const MicroTile<T>& tile) {
  const hn::ScalableTag<T> d;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  using Vector = hn::Vec<decltype(d)>;

  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(d);

  const std::int64_t row_step = tile.row_step;
  const std::int64_t column_step = tile.column_step;
  for (std::int64_t s = 0; s < tile.segments; ++s) {
    const std::int64_t segment = tile.row_segments[s];
    const T* rows[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) rows[i] = tile.rows[i] + segment;
    const T* columns = tile.columns + tile.column_segments[s];
    std::int64_t at = 0;
    for (std::int64_t k = tile.length; k > 0; --k) {
      Vector right[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) right[v] = hn::LoadU(d, columns + v * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const Vector left = hn::Set(d, rows[i][at]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(left, right[v], sums[i][v]);
      }
      at += row_step;
      columns += column_step;
    }
  }

  if (tile.valid_columns == kVectors * kLanes) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        T* out = tile.out[i] + v * kLanes;
        if (tile.accumulate) sums[i][v] = hn::Add(hn::LoadU(d, out), sums[i][v]);
        hn::StoreU(sums[i][v], d, out);
      }
    return;
  }
  // Through memory of the full width; written so that no call to memcpy comes of it.
  T part[kVectors * kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[i][v], d, part + v * kLanes);
    for (int j = 0; j < kVectors * kLanes; ++j) {
      if (j == tile.valid_columns) break;
      tile.out[i][j] = tile.accumulate ? tile.out[i][j] + part[j] : part[j];
    }
  }
}

template <class T>
MicroKernels<T> table() {
  return {
      .lanes = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>())),
      .functions = {{run_tile<1, 1, T>, run_tile<2, 1, T>, run_tile<3, 1, T>, run_tile<4, 1, T>,
                     run_tile<5, 1, T>, run_tile<6, 1, T>, run_tile<7, 1, T>, run_tile<8, 1, T>},
                    {run_tile<1, 2, T>, run_tile<2, 2, T>, run_tile<3, 2, T>, run_tile<4, 2, T>,
                     run_tile<5, 2, T>, run_tile<6, 2, T>, nullptr, nullptr}}};
}
MicroKernels<float> float_table() { return table<float>(); }
MicroKernels<double> double_table() { return table<double>(); }

}  // namespace rho::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rho::kernels::cpu {

HWY_EXPORT(float_table);
HWY_EXPORT(double_table);

template <>
const MicroKernels<float>& micro_kernels<float>() {
  static const MicroKernels<float> kernels = HWY_DYNAMIC_DISPATCH(float_table)();
  return kernels;
}

template <>
const MicroKernels<double>& micro_kernels<double>() {
  static const MicroKernels<double> kernels = HWY_DYNAMIC_DISPATCH(double_table)();
  return kernels;
}

}  // namespace rho::kernels::cpu
#endif
