#include "bench/support/peak.h"

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

// Scalable vectors cannot be held in arrays, which is how the accumulators are written.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/support/peak.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rho::bench::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Enough independent sums to hide the latency of a multiply-add on two units (four on wide ARM
// cores), few enough to stay in registers: 16 before AVX-512 on x86, 32 elsewhere.
constexpr int kSums = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 12 : 24;

/// Returns the floating-point operations done.
template <class T>
HWY_ATTR double multiply_adds(std::int64_t steps) {
  const hn::ScalableTag<T> d;
  using Vector = hn::Vec<decltype(d)>;
  const Vector half = hn::Set(d, static_cast<T>(0.5)), one = hn::Set(d, static_cast<T>(1));
  Vector sums[kSums];
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) sums[i] = hn::Set(d, static_cast<T>(i));
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) sums[i] = hn::MulAdd(sums[i], half, one);
  }
  for (int i = 1; i < kSums; ++i) sums[0] = hn::Add(sums[0], sums[i]);
  volatile T used = hn::GetLane(sums[0]);
  static_cast<void>(used);
  return 2.0 * kSums * static_cast<double>(hn::Lanes(d)) * static_cast<double>(steps);
}

double float_multiply_adds(std::int64_t steps) { return multiply_adds<float>(steps); }
double double_multiply_adds(std::int64_t steps) { return multiply_adds<double>(steps); }
const char* target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace rho::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rho::bench {
namespace {

HWY_EXPORT(float_multiply_adds);
HWY_EXPORT(double_multiply_adds);
HWY_EXPORT(target);

/// Calls body(thread) on that many threads, of which the caller is one. They are no pool's: what is
/// measured here must not depend on what is compared with it.
template <class Body>
void on_threads(int threads, const Body& body) {
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(body, thread);
  body(0);
}

}  // namespace

double multiply_add_burst(DType dtype, int threads) {
  constexpr std::int64_t kSteps = std::int64_t{1} << 21;
  std::vector<double> done(static_cast<std::size_t>(threads));
  on_threads(threads, [&](int thread) {
    done[static_cast<std::size_t>(thread)] =
        dtype == DType::Float64 ? HWY_DYNAMIC_DISPATCH(double_multiply_adds)(kSteps)
                                : HWY_DYNAMIC_DISPATCH(float_multiply_adds)(kSteps);
  });
  double all = 0.0;
  for (const double one : done) all += one;
  return all;
}

double copy_burst(int threads) {
  constexpr std::size_t kBytes = std::size_t{1} << 29;  // more than any cache
  static const auto from = std::make_unique<std::byte[]>(kBytes);
  static const auto to = std::make_unique<std::byte[]>(kBytes);
  const std::size_t share = kBytes / static_cast<std::size_t>(threads);
  on_threads(threads, [&](int thread) {
    const std::size_t at = share * static_cast<std::size_t>(thread);
    std::memcpy(to.get() + at, from.get() + at, share);
  });
  return 2.0 * static_cast<double>(share) * threads;
}

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target)(); }

void hide_newer_than_avx2() { hwy::DisableTargets(HWY_AVX2 - 1); }  // a better one is a lower bit

}  // namespace rho::bench
#endif
