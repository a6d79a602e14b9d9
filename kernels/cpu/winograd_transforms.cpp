#include "kernels/cpu/winograd_transforms.h"

#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_transforms.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;
constexpr int kPoints = WinogradTransforms::kPoints;

HWY_ATTR Vector times(float factor, Vector x) { return hn::Mul(hn::Set(Tag(), factor), x); }
HWY_ATTR Vector plus(Vector x, float factor, Vector y) {
  return hn::MulAdd(hn::Set(Tag(), factor), y, x);
}

// Points come in pairs p, -p: what is even in p is shared, what is odd changes its sign.

/// out = B^T d
struct Interpolate {
  static constexpr int kIn = kPoints, kOut = kPoints;
  HWY_ATTR static void apply(const Vector* d, Vector* out) {
    const Vector even1 = plus(d[4], -4.0F, d[2]), odd1 = plus(d[3], -4.0F, d[1]);
    const Vector even2 = hn::Sub(d[4], d[2]), odd2 = hn::Sub(d[3], d[1]);
    out[0] = plus(plus(d[4], -5.0F, d[2]), 4.0F, d[0]);
    out[1] = hn::Add(even1, odd1);
    out[2] = hn::Sub(even1, odd1);
    out[3] = plus(even2, 2.0F, odd2);
    out[4] = plus(even2, -2.0F, odd2);
    out[5] = plus(plus(d[5], -5.0F, d[3]), 4.0F, d[1]);
  }
};

/// out = S E(k) w
template <int k>
struct Evaluate {
  static constexpr int kIn = k, kOut = kPoints;
  HWY_ATTR static void apply(const Vector* w, Vector* out) {
    Vector even1 = w[0], even2 = w[0], odd1 = w[1], odd2 = times(2.0F, w[1]);
    if constexpr (k > 2) {
      even1 = hn::Add(even1, w[2]);
      even2 = plus(even2, 4.0F, w[2]);
    }
    if constexpr (k > 3) {
      odd1 = hn::Add(odd1, w[3]);
      odd2 = plus(odd2, 8.0F, w[3]);
    }
    if constexpr (k > 4) {
      even1 = hn::Add(even1, w[4]);
      even2 = plus(even2, 16.0F, w[4]);
    }
    out[0] = times(1.0F / 4, w[0]);
    out[1] = times(-1.0F / 6, hn::Add(even1, odd1));
    out[2] = times(-1.0F / 6, hn::Sub(even1, odd1));
    out[3] = times(1.0F / 24, hn::Add(even2, odd2));
    out[4] = times(1.0F / 24, hn::Sub(even2, odd2));
    out[5] = w[k - 1];
  }
};

/// out = E(k)^T m
template <int k>
struct EvaluateTransposed {
  static constexpr int kIn = kPoints, kOut = k;
  HWY_ATTR static void apply(const Vector* m, Vector* out) {
    const Vector even1 = hn::Add(m[1], m[2]), odd1 = hn::Sub(m[1], m[2]);
    const Vector even2 = hn::Add(m[3], m[4]), odd2 = hn::Sub(m[3], m[4]);
    out[0] = hn::Add(hn::Add(m[0], even1), even2);
    out[1] = plus(odd1, 2.0F, odd2);
    if constexpr (k > 2) out[2] = plus(even1, 4.0F, even2);
    if constexpr (k > 3) out[3] = plus(odd1, 8.0F, odd2);
    if constexpr (k > 4) out[4] = plus(even1, 16.0F, even2);
    out[k - 1] = hn::Add(out[k - 1], m[5]);
  }
};

/// Applies Line to the columns, then to the rows. load(i, j) -> Vector, store(i, j, Vector).
template <class Line, class Load, class Store>
HWY_ATTR HWY_INLINE void apply_twice(const Load& load, const Store& store) {
  constexpr int kIn = Line::kIn, kOut = Line::kOut;
  Vector half[kOut][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    Vector column[kIn], out[kOut];
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) column[i] = load(i, j);
    Line::apply(column, out);
#pragma GCC unroll 6
    for (int i = 0; i < kOut; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kOut; ++i) {
    Vector out[kOut];
    Line::apply(half[i], out);
#pragma GCC unroll 6
    for (int j = 0; j < kOut; ++j) store(i, j, out[j]);
  }
}

/// Cells to frequencies.
template <class Line>
HWY_ATTR void forwards(const float* const* cells, std::int64_t channels, float* out,
                       std::int64_t stride) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  const auto store = [&](int i, int j, Vector v)
                         HWY_ATTR { hn::StoreU(v, d, out + (i * kPoints + j) * stride + c); };
  for (; c + lanes <= channels; c += lanes)
    apply_twice<Line>(
        [&](int i, int j) HWY_ATTR { return hn::LoadU(d, cells[i * Line::kIn + j] + c); }, store);
  if (c == channels) return;
  const auto rest = hn::FirstN(d, static_cast<std::size_t>(channels - c));
  apply_twice<Line>([&](int i, int j)
                        HWY_ATTR { return hn::MaskedLoad(rest, d, cells[i * Line::kIn + j] + c); },
                    store);
}

/// Frequencies to cells.
template <class Line, bool kStream = false>
HWY_ATTR void backwards(const float* m, std::int64_t stride, std::int64_t channels,
                        float* const* cells) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  const auto load = [&](int i, int j)
                        HWY_ATTR { return hn::LoadU(d, m + (i * kPoints + j) * stride + c); };
  for (; c + lanes <= channels; c += lanes)
    apply_twice<Line>(load, [&](int i, int j, Vector v) HWY_ATTR {
      float* const cell = cells[i * Line::kOut + j];
      if (cell == nullptr) return;
      if constexpr (kStream)
        hn::Stream(v, d, cell + c);
      else
        hn::StoreU(v, d, cell + c);
    });
  if (c == channels) return;
  const auto rest = hn::FirstN(d, static_cast<std::size_t>(channels - c));
  apply_twice<Line>(load, [&](int i, int j, Vector v) HWY_ATTR {
    float* const cell = cells[i * Line::kOut + j];
    if (cell != nullptr) hn::BlendedStore(v, rest, d, cell + c);
  });
}

WinogradTransforms table() {
  WinogradTransforms transforms{
      .input = forwards<Interpolate>,
      .filter = {nullptr, nullptr, forwards<Evaluate<2>>, forwards<Evaluate<3>>,
                 forwards<Evaluate<4>>, forwards<Evaluate<5>>},
      .output = {nullptr, nullptr, backwards<EvaluateTransposed<2>>,
                 backwards<EvaluateTransposed<3>>, backwards<EvaluateTransposed<4>>,
                 backwards<EvaluateTransposed<5>>}};
  if constexpr (hn::MaxLanes(Tag()) * sizeof(float) == 64) {
    transforms.stream_output[2] = backwards<EvaluateTransposed<2>, true>;
    transforms.stream_output[4] = backwards<EvaluateTransposed<4>, true>;
  }
  return transforms;
}

}  // namespace rho::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rho::kernels::cpu {

HWY_EXPORT(table);

const WinogradTransforms& winograd_transforms() {
  static const WinogradTransforms transforms = HWY_DYNAMIC_DISPATCH(table)();
  return transforms;
}

}  // namespace rho::kernels::cpu
#endif
