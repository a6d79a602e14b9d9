#include "kernels/cpu/batch_norm_loops.h"

#include <type_traits>

#include "kernels/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/batch_norm_loops.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::kernels::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// Calls body(d, at, p) for vectors of elements that begin at `at` in memory and at p in the
/// tables; where a period or the memory ends inside a vector, one element at a time.
template <class D, class Body>
HWY_ATTR void for_each_vector(D d, std::int64_t count, std::int64_t period, const Body& body) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t first = 0; first < count; first += period) {
    const std::int64_t length = count - first < period ? count - first : period;
    std::int64_t p = 0;
    for (; p + lanes <= length; p += lanes) body(d, first + p, p);
    for (; p < length; ++p) body(hn::CappedTag<hn::TFromD<D>, 1>(), first + p, p);
  }
}

/// As many T as there are doubles in a vector of DD, and their conversion.
template <class T, class DD>
using Narrow = hn::Rebind<T, DD>;
template <class DD, class V>
HWY_ATTR auto widen(DD d, V v) {
  if constexpr (std::is_same_v<hn::TFromV<V>, double>)
    return v;
  else
    return hn::PromoteTo(d, v);
}

template <class D, class V>
HWY_ATTR V affine(D d, const ChannelTables<hn::TFromD<D>>& of, std::int64_t p, V centred) {
  return hn::MulAdd(centred, hn::LoadU(d, of.scale + p), hn::LoadU(d, of.shift + p));
}

/// Periods between which sums go to memory: a thread walks down that many at once.
constexpr std::int64_t kPeriods = 16;

/// Adds term(d, at, p, sums) of `periods` elements, a period apart from `at` on, to the sums at p:
/// kBlock vectors side by side, so that an addition need not wait for the one before it.
template <int kBlock, int kSums, class D, class Term>
HWY_ATTR HWY_INLINE void add_down(D d, std::int64_t at, std::int64_t p, std::int64_t periods,
                                  std::int64_t period, double* const (&sums)[kSums],
                                  const Term& term) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<D> of[kBlock][kSums];
#pragma GCC unroll 8
  for (int b = 0; b < kBlock; ++b)
#pragma GCC unroll 2
    for (int i = 0; i < kSums; ++i) of[b][i] = hn::LoadU(d, sums[i] + p + b * lanes);
  for (const std::int64_t end = at + periods * period; at < end; at += period) {
#pragma GCC unroll 8
    for (int b = 0; b < kBlock; ++b) term(d, at + b * lanes, p + b * lanes, of[b]);
  }
#pragma GCC unroll 8
  for (int b = 0; b < kBlock; ++b)
#pragma GCC unroll 2
    for (int i = 0; i < kSums; ++i) hn::StoreU(of[b][i], d, sums[i] + p + b * lanes);
}

/// Adds the terms of all elements to the sums, by position in the period, in the order of memory.
template <int kSums, class Term>
HWY_ATTR HWY_INLINE void add_up(std::int64_t count, std::int64_t period,
                                double* const (&sums)[kSums], const Term& term) {
  constexpr int kBlock = HWY_TARGET == HWY_AVX3 ? 8 : 4;
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t periods = 0;
  for (std::int64_t first = 0; first < count; first += periods * period) {
    const std::int64_t left = count - first, length = left < period ? left : period;
    periods = left / length < kPeriods ? left / length : kPeriods;
    std::int64_t p = 0;
    for (; p + kBlock * lanes <= length; p += kBlock * lanes)
      add_down<kBlock>(d, first + p, p, periods, period, sums, term);
    for (; p + lanes <= length; p += lanes)
      add_down<1>(d, first + p, p, periods, period, sums, term);
    for (; p < length; ++p)
      add_down<1>(hn::CappedTag<double, 1>(), first + p, p, periods, period, sums, term);
  }
}

template <class T>
void add_deviations(std::int64_t period, const double* centre, const T* x, std::int64_t count,
                    double* sums, double* squares) {
  add_up(count, period, {sums, squares},
         [=](auto d, std::int64_t at, std::int64_t p, auto& of) HWY_ATTR {
           const auto value = widen(d, hn::LoadU(Narrow<T, decltype(d)>(), x + at));
           const auto deviation = hn::Sub(value, hn::LoadU(d, centre + p));
           of[0] = hn::Add(of[0], deviation);
           of[1] = hn::MulAdd(deviation, deviation, of[1]);
         });
}

/// Single elements, which end a row that fills no vector, are stored as ever.
template <bool kStream, class D, class V, class T>
HWY_ATTR void store(D d, V value, T* to) {
  if constexpr (kStream && hn::MaxLanes(D()) > 1)
    hn::Stream(value, d, to);
  else
    hn::StoreU(value, d, to);
}

template <bool kResidual, bool kRelu, bool kStream, class T>
void apply_as(const ChannelTables<T>& of, const T* x, const T* residual, T* y, std::int64_t count) {
  for_each_vector(hn::ScalableTag<T>(), count, of.period,
                  [=](auto d, std::int64_t at, std::int64_t p) HWY_ATTR {
                    const auto centred = hn::Sub(hn::LoadU(d, x + at), hn::LoadU(d, of.mean + p));
                    auto value = affine(d, of, p, centred);
                    if constexpr (kResidual) value = hn::Add(value, hn::LoadU(d, residual + at));
                    // NaN, which compares false, passes.
                    if constexpr (kRelu)
                      value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);
                    store<kStream>(d, value, y + at);
                  });
  if constexpr (kStream) hwy::FlushStream();
}

template <bool kResidual, bool kRelu, class T>
auto apply_for(bool stream) {
  return stream ? apply_as<kResidual, kRelu, true, T> : apply_as<kResidual, kRelu, false, T>;
}

template <class T>
void apply(const ChannelTables<T>& of, const T* x, const T* residual, bool relu, T* y,
           std::int64_t count, bool stream) {
  const auto run = residual == nullptr
                       ? (relu ? apply_for<false, true, T> : apply_for<false, false, T>)
                       : (relu ? apply_for<true, true, T> : apply_for<true, false, T>);
  run(stream)(of, x, residual, y, count);
}

/// Where the sign of a rectifier's output is found.
enum class Sign { None, OfX, OfY };

template <bool kRest, class D, class T>
HWY_ATTR hn::Vec<D> load(D d, const Arriving<T>& arriving, std::int64_t at) {
  const auto g = hn::LoadU(d, arriving.grad_y + at);
  if constexpr (kRest)
    return hn::Add(g, hn::LoadU(d, arriving.rest + at));
  else
    return g;
}

/// Where g goes.
enum class To { Nowhere, Cache, Memory };

template <Sign kSign, bool kRest, To kTo, class T>
void add_gradients_as(const ChannelTables<T>& of, const T* x, const T* y, Arriving<T> arriving,
                      T* masked, std::int64_t count, double* sums, double* sums_x) {
  add_up(count, of.period, {sums, sums_x},
         [=](auto d, std::int64_t at, std::int64_t p, auto& to) HWY_ATTR {
           const Narrow<T, decltype(d)> narrow;
           const auto centred = hn::Sub(hn::LoadU(narrow, x + at), hn::LoadU(narrow, of.mean + p));
           auto g = load<kRest>(narrow, arriving, at);
           if constexpr (kSign == Sign::OfX)
             g = hn::IfThenElseZero(hn::Gt(affine(narrow, of, p, centred), hn::Zero(narrow)), g);
           if constexpr (kSign == Sign::OfY)
             g = hn::IfThenElseZero(hn::Gt(hn::LoadU(narrow, y + at), hn::Zero(narrow)), g);
           if constexpr (kTo != To::Nowhere) store<kTo == To::Memory>(narrow, g, masked + at);
           const auto wide = widen(d, g);
           to[0] = hn::Add(to[0], wide);
           to[1] = hn::MulAdd(wide, widen(d, centred), to[1]);
         });
  if constexpr (kTo == To::Memory) hwy::FlushStream();
}

template <Sign kSign, class T>
auto add_gradients_for(bool rest, bool stores, bool stream) {
  if (rest) return add_gradients_as<kSign, true, To::Cache, T>;
  if (!stores) return add_gradients_as<kSign, false, To::Nowhere, T>;
  return stream ? add_gradients_as<kSign, false, To::Memory, T>
                : add_gradients_as<kSign, false, To::Cache, T>;
}

template <class T>
void add_gradients(const ChannelTables<T>& of, const T* x, const T* y, const Arriving<T>& arriving,
                   bool relu, T* masked, std::int64_t count, double* sums, double* sums_x,
                   bool stream) {
  const auto run = !relu          ? add_gradients_for<Sign::None, T>
                   : y == nullptr ? add_gradients_for<Sign::OfX, T>
                                  : add_gradients_for<Sign::OfY, T>;
  run(arriving.rest != nullptr, masked != nullptr, stream)(of, x, y, arriving, masked, count, sums,
                                                           sums_x);
}

template <bool kRest, class T>
void add_masked_as(std::int64_t period, const T* y, Arriving<T> arriving, T* masked,
                   std::int64_t count, double* sums) {
  add_up(count, period, {sums}, [=](auto d, std::int64_t at, std::int64_t, auto& to) HWY_ATTR {
    const Narrow<T, decltype(d)> narrow;
    const auto is_positive = hn::Gt(hn::LoadU(narrow, y + at), hn::Zero(narrow));
    const auto g = hn::IfThenElseZero(is_positive, load<kRest>(narrow, arriving, at));
    hn::StoreU(g, narrow, masked + at);
    to[0] = hn::Add(to[0], widen(d, g));
  });
}

template <class T>
void add_masked(std::int64_t period, const T* y, const Arriving<T>& arriving, T* masked,
                std::int64_t count, double* sums) {
  const auto run = arriving.rest != nullptr ? add_masked_as<true, T> : add_masked_as<false, T>;
  run(period, y, arriving, masked, count, sums);
}

template <bool kRelu, bool kStream, class T>
void grad_x_as(const ChannelTables<T>& of, const T* x, const T* grad_y, T* grad_x,
               std::int64_t count) {
  for_each_vector(hn::ScalableTag<T>(), count, of.period,
                  [=](auto d, std::int64_t at, std::int64_t p) HWY_ATTR {
                    const auto centred = hn::Sub(hn::LoadU(d, x + at), hn::LoadU(d, of.mean + p));
                    auto g = hn::LoadU(d, grad_y + at);
                    if constexpr (kRelu)
                      g = hn::IfThenElseZero(hn::Gt(affine(d, of, p, centred), hn::Zero(d)), g);
                    const auto normalized = hn::Mul(centred, hn::LoadU(d, of.inverse + p));
                    const auto rest = hn::NegMulAdd(normalized, hn::LoadU(d, of.slope + p),
                                                    hn::Sub(g, hn::LoadU(d, of.mean_grad + p)));
                    store<kStream>(d, hn::Mul(hn::LoadU(d, of.scale + p), rest), grad_x + at);
                  });
  if constexpr (kStream) hwy::FlushStream();
}

template <class T>
void grad_x(const ChannelTables<T>& of, const T* x, const T* grad_y, bool relu, T* grad_x,
            std::int64_t count, bool stream) {
  const auto run = relu ? (stream ? grad_x_as<true, true, T> : grad_x_as<true, false, T>)
                        : (stream ? grad_x_as<false, true, T> : grad_x_as<false, false, T>);
  run(of, x, grad_y, grad_x, count);
}

template <class T>
BatchNormLoops<T> table() {
  return {.lanes = static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>())),
          .add_deviations = add_deviations<T>,
          .apply = apply<T>,
          .add_gradients = add_gradients<T>,
          .add_masked = add_masked<T>,
          .grad_x = grad_x<T>};
}
BatchNormLoops<float> float_table() { return table<float>(); }
BatchNormLoops<double> double_table() { return table<double>(); }

}  // namespace
}  // namespace rho::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rho::kernels::cpu {

HWY_EXPORT(float_table);
HWY_EXPORT(double_table);

template <>
const BatchNormLoops<float>& batch_norm_loops<float>() {
  static const BatchNormLoops<float> loops = HWY_DYNAMIC_DISPATCH(float_table)();
  return loops;
}

template <>
const BatchNormLoops<double>& batch_norm_loops<double>() {
  static const BatchNormLoops<double> loops = HWY_DYNAMIC_DISPATCH(double_table)();
  return loops;
}

}  // namespace rho::kernels::cpu
#endif
