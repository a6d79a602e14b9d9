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

/// Whether half a vector takes half the time: where wide ones go through narrower units.
constexpr bool kHalves = HWY_TARGET == HWY_AVX3;

constexpr std::int64_t kLongSum = 100;

/// Rows that are contiguous share a pointer by threes: the processor adds the pitch, once or twice,
/// to an address for nothing.
constexpr std::int64_t kRowsOfPointer = 3;

/// v, or its lower half.
template <bool half, class V>
HWY_ATTR HWY_INLINE auto cut(V v) {
  if constexpr (half)
    return hn::LowerHalf(hn::Half<hn::DFromV<V>>(), v);
  else
    return v;
}

// The loops over rows and vectors must unroll fully, or the accumulators do not stay in registers.
// The last vector is a variable of its own, because it may be a half and need not be whole.
template <Rows kind, int kRows, int kVectors, bool kHalf, class T>
HWY_ATTR HWY_INLINE void run_tile(const PanelProduct<T>& product, std::int64_t first) {
  using Tag = hn::ScalableTag<T>;
  const Tag d;
  const std::conditional_t<kHalf, hn::Half<Tag>, Tag> d_last;
  constexpr auto kLanes = static_cast<std::int64_t>(hn::MaxLanes(d));
  constexpr auto kLanesOfLast = static_cast<std::int64_t>(hn::MaxLanes(d_last));
  constexpr int kFull = kVectors - 1;
  constexpr std::int64_t kAtLast = kFull * kLanes;

  hn::Vec<Tag> sums[kRows][kVectors];
  hn::Vec<decltype(d_last)> last[kRows];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 3
    for (int v = 0; v < kFull; ++v) sums[i][v] = hn::Zero(d);
    last[i] = hn::Zero(d_last);
  }

  // By the time long sums are there, so is the memory that they go to.
  T* const out = product.out + first * product.out_pitch;
  if (product.length >= kLongSum) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) hwy::Prefetch(out + i * product.out_pitch + v * kLanes);
  }

  constexpr bool kContiguous = kind == Rows::Contiguous;
  constexpr int kPointers = kContiguous ? (kRows + kRowsOfPointer - 1) / kRowsOfPointer : 1;
  const std::int64_t pitch = product.row_pitch;
  const std::int64_t row_step = product.row_step, column_step = product.column_step;
  for (std::int64_t s = 0; s < product.segments; ++s) {
    const T* rows[kPointers];
#pragma GCC unroll 5
    for (int p = 0; p < kPointers; ++p)
      rows[p] = product.rows + product.row_segments[s] + (first + p * kRowsOfPointer) * pitch;
    const T* columns = product.columns + product.column_segments[s];
    for (std::int64_t k = 0; k < product.length; ++k) {
      hn::Vec<Tag> right[kVectors];
#pragma GCC unroll 3
      for (int v = 0; v < kFull; ++v) right[v] = hn::LoadU(d, columns + v * kLanes);
      const auto right_of_last = hn::LoadU(d_last, columns + kAtLast);
#pragma GCC unroll 14
      for (int i = 0; i < kRows; ++i) {
        const auto left = hn::Set(
            d, kContiguous ? rows[i / kRowsOfPointer][i % kRowsOfPointer * pitch] : rows[0][i]);
#pragma GCC unroll 3
        for (int v = 0; v < kFull; ++v) sums[i][v] = hn::MulAdd(left, right[v], sums[i][v]);
        last[i] = hn::MulAdd(cut<kHalf>(left), right_of_last, last[i]);
      }
      columns += column_step;
#pragma GCC unroll 5
      for (int p = 0; p < kPointers; ++p) rows[p] += kContiguous ? 1 : row_step;
    }
  }

  // Asked once, because to the compiler a store of a vector may overwrite the product itself.
  const std::int64_t out_pitch = product.out_pitch;
  const std::int64_t valid = product.valid_columns - kAtLast;
  const bool whole = valid == kLanesOfLast;
  const auto rest = hn::FirstN(d_last, static_cast<std::size_t>(valid));
  const auto load_last = [&](const T* from) HWY_ATTR {
    return whole ? hn::LoadU(d_last, from) : hn::MaskedLoad(rest, d_last, from);
  };
  if (product.accumulate) {
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      const T* const from = out + i * out_pitch;
#pragma GCC unroll 3
      for (int v = 0; v < kFull; ++v)
        sums[i][v] = hn::Add(hn::LoadU(d, from + v * kLanes), sums[i][v]);
      last[i] = hn::Add(load_last(from + kAtLast), last[i]);
    }
  }
  if (kContiguous && product.bias != nullptr) {
    const T* const residual =
        product.residual == nullptr ? nullptr : product.residual + first * out_pitch;
    const auto floor = hn::Set(d, product.floor);
    const auto finished = [](auto sum, auto least)
                              HWY_ATTR { return hn::IfThenElse(hn::Lt(sum, least), least, sum); };
#pragma GCC unroll 14
    for (int i = 0; i < kRows; ++i) {
      const T* const from = residual == nullptr ? nullptr : residual + i * out_pitch;
#pragma GCC unroll 3
      for (int v = 0; v < kFull; ++v) {
        auto sum = hn::Add(sums[i][v], hn::LoadU(d, product.bias + v * kLanes));
        if (from != nullptr) sum = hn::Add(sum, hn::LoadU(d, from + v * kLanes));
        sums[i][v] = finished(sum, floor);
      }
      auto sum = hn::Add(last[i], hn::LoadU(d_last, product.bias + kAtLast));
      if (from != nullptr) sum = hn::Add(sum, load_last(from + kAtLast));
      last[i] = finished(sum, cut<kHalf>(floor));
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < kRows; ++i) {
    T* const to = out + i * out_pitch;
#pragma GCC unroll 3
    for (int v = 0; v < kFull; ++v) hn::StoreU(sums[i][v], d, to + v * kLanes);
    if (whole)
      hn::StoreU(last[i], d_last, to + kAtLast);
    else
      hn::BlendedStore(last[i], rest, d_last, to + kAtLast);
  }
}

template <Rows kind, int kRows, int kVectors, bool kHalf, class T>
HWY_ATTR void run_tiles(const PanelProduct<T>& product, std::int64_t first, std::int64_t tiles) {
  for (std::int64_t t = 0; t < tiles; ++t)
    run_tile<kind, kRows, kVectors, kHalf>(product, first + t * kRows);
}

/// Rows of a tile: what is left of the registers holds the columns and one element of a row. Of 16
/// registers four vectors of columns leave none for the element: one of them is read from the cache
/// for each row. Contiguous rows are limited by their pointers: four of 16 general registers serve
/// twelve rows.
template <Rows kind>
constexpr int max_rows(int vectors) {
  constexpr int kMost = kind == Rows::Contiguous ? 12 : 14;
  const int element = kRegisters == 16 && vectors == 4 ? 0 : 1;
  const int fitting = (kRegisters - vectors - element) / vectors;
  return fitting < kMost ? fitting : kMost;
}

template <Rows kind, int kVectors, class T, std::size_t... I>
void fill(typename MicroKernels<T>::Tiles& tiles, std::index_sequence<I...>) {
  tiles.max_rows[kVectors - 1] = sizeof...(I);
  auto& whole = tiles.functions[0][kVectors - 1];
  ((whole[I] = run_tiles<kind, static_cast<int>(I) + 1, kVectors, false, T>), ...);
  if constexpr (kHalves) {
    auto& half = tiles.functions[1][kVectors - 1];
    ((half[I] = run_tiles<kind, static_cast<int>(I) + 1, kVectors, true, T>), ...);
  }
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
  constexpr auto kLanes = static_cast<std::int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
  return {.lanes = kLanes,
          .part = kHalves ? kLanes / 2 : kLanes,
          .tiles = {tiles_of<Rows::Contiguous, T>(std::make_index_sequence<4>()),
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
