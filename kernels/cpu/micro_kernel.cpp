#include "kernels/cpu/micro_kernel.h"

#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/micro_kernel.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

constexpr std::int64_t kLongSum = 100;

// The loops over rows and vectors must unroll fully, or the accumulators do not stay in registers.
template <Rows kind, int kRows, int kVectors, class T>
HWY_ATTR HWY_INLINE void run_once(const MicroTile<T>& tile, std::int64_t row_offset,
                                  std::int64_t out_offset) {
  const hn::ScalableTag<T> d;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(d));
  using Vector = hn::Vec<decltype(d)>;

  Vector sums[kRows][kVectors];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(d);

  // By the time long sums are there, so is the memory that they go to.
  if (tile.length >= kLongSum) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) hwy::Prefetch(tile.out[i] + out_offset + v * kLanes);
  }

  const std::int64_t row_step = tile.row_step;
  const std::int64_t column_step = tile.column_step;
  for (std::int64_t s = 0; s < tile.segments; ++s) {
    const std::int64_t segment = row_offset + tile.row_segments[s];
    constexpr bool kApart = kind == Rows::Apart;
    const T* rows[kApart ? kRows : 1];
#pragma GCC unroll 14
    for (int i = 0; i < (kApart ? kRows : 1); ++i) rows[i] = tile.rows[i] + segment;
    const T* columns = tile.columns + tile.column_segments[s];
    // Where the sums fill the registers, unrolled steps would spill them.
    constexpr int kUnroll = kApart && kVectors > 1 && kRegisters == 32 ? 4 : 1;
    const auto step = [&](std::int64_t k) HWY_ATTR {
      Vector right[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) right[v] = hn::LoadU(d, columns + v * kLanes);
#pragma GCC unroll 14
      for (int i = 0; i < kRows; ++i) {
        const Vector left = hn::Set(d, kApart ? rows[i][k] : rows[0][i]);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(left, right[v], sums[i][v]);
      }
      columns += column_step;
      if (!kApart) rows[0] += row_step;
    };
    std::int64_t k = 0;
    for (; k + kUnroll <= tile.length; k += kUnroll) {
#pragma GCC unroll 4
      for (int u = 0; u < kUnroll; ++u) step(k + u);
    }
    for (; k < tile.length; ++k) step(k);
  }

  if (tile.valid_columns == kVectors * kLanes) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        T* const out = tile.out[i] + out_offset + v * kLanes;
        if (tile.accumulate) sums[i][v] = hn::Add(hn::LoadU(d, out), sums[i][v]);
        hn::StoreU(sums[i][v], d, out);
      }
    return;
  }
  // The last vector of a last panel is written in part.
  const auto rest =
      hn::FirstN(d, static_cast<std::size_t>(tile.valid_columns - (kVectors - 1) * kLanes));
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      T* const out = tile.out[i] + out_offset + v * kLanes;
      if (v + 1 < kVectors) {
        if (tile.accumulate) sums[i][v] = hn::Add(hn::LoadU(d, out), sums[i][v]);
        hn::StoreU(sums[i][v], d, out);
      } else {
        if (tile.accumulate) sums[i][v] = hn::Add(hn::MaskedLoad(rest, d, out), sums[i][v]);
        hn::BlendedStore(sums[i][v], rest, d, out);
      }
    }
}

template <Rows kind, int kRows, int kVectors, class T>
HWY_ATTR void run_tile(const MicroTile<T>& tile) {
  for (std::int64_t r = 0; r < tile.repeats; ++r)
    run_once<kind, kRows, kVectors>(tile, r * tile.row_advance, r * tile.out_advance);
}

/// Rows of a tile: what is left of the registers holds the columns and one element of a row, and
/// eight pointers are as many as fit besides those of the loop. Of 16 registers four vectors of
/// columns leave none for the element: one of them is read from the cache for each row.
template <Rows kind>
constexpr int max_rows(int vectors) {
  constexpr int kMost = kind == Rows::Apart ? 8 : 14;
  const int element = kRegisters == 16 && vectors == 4 ? 0 : 1;
  const int fitting = (kRegisters - vectors - element) / vectors;
  return fitting < kMost ? fitting : kMost;
}

template <Rows kind, int kVectors, class T, std::size_t... I>
void fill(typename MicroKernels<T>::Tiles& tiles, std::index_sequence<I...>) {
  tiles.max_rows[kVectors - 1] = sizeof...(I);
  ((tiles.functions[kVectors - 1][I] = run_tile<kind, static_cast<int>(I) + 1, kVectors, T>), ...);
}

template <Rows kind, class T, std::size_t... V>
typename MicroKernels<T>::Tiles tiles_of(std::index_sequence<V...>) {
  typename MicroKernels<T>::Tiles tiles{};
  tiles.widest = sizeof...(V);
  (fill<kind, static_cast<int>(V) + 1, T>(tiles, std::make_index_sequence<max_rows<kind>(V + 1)>()),
   ...);
  return tiles;
}

template <class T>
MicroKernels<T> table() {
  // Wide tiles load and broadcast less for each product.
  constexpr bool kMany = kRegisters == 32;
  return {.lanes = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>())),
          .tiles = {tiles_of<Rows::Apart, T>(std::make_index_sequence<4>()),
                    tiles_of<Rows::Adjacent, T>(std::make_index_sequence < kMany ? 2 : 3 > ())}};
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
