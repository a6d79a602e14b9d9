#include "kernels/sphere.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/elementwise.h"

namespace rho::kernels {
namespace {

template <class Term>
double sum_of(std::int64_t count, const Term& term) {
  return cpu::column_sums(count, 1, 1, [&](std::int64_t first, std::int64_t last, double* partial) {
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = first; i < last; ++i) sum += term(i);
    *partial = sum;
  })[0];
}

/// |x| as an integer, in the same order; NaN is larger than infinity.
template <class T>
auto magnitude(T x) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  return std::bit_cast<Bits>(std::abs(x));
}

/// The first of the largest magnitudes, or the first NaN, of values that are not empty.
template <class T>
const T* first_peak(const T* first, const T* last) {
  constexpr auto kInfinity = std::numeric_limits<T>::infinity();
  // Integers, unlike floating-point numbers, have a maximum that compiles to vectors.
  auto most = magnitude(T{0});
  for (const T* x = first; x != last; ++x) most = std::max(most, magnitude(*x));
  const bool has_nan = most > magnitude(kInfinity);
  return std::find_if(first, last,
                      [=](T x) { return has_nan ? std::isnan(x) : magnitude(x) == most; });
}

Peak peak_of(const Tensor& x) {
  return dispatch_floating(x.dtype(), "abs_max", [&]<class T>() {
    const T* const values = x.data<T>();
    const std::int64_t count = x.numel();
    const std::int64_t chunks = (count + cpu::kSumChunk - 1) / cpu::kSumChunk;
    std::vector<const T*> peaks(static_cast<std::size_t>(chunks));
    cpu::parallel_ranges(count, cpu::kSumChunk, [&](std::int64_t first, std::int64_t last) {
      peaks[static_cast<std::size_t>(first / cpu::kSumChunk)] =
          first_peak(values + first, values + last);
    });
    if (peaks.empty()) return Peak{};
    std::vector<T> of_chunks(peaks.size());
    std::transform(peaks.begin(), peaks.end(), of_chunks.begin(),
                   [](const T* one) { return *one; });
    const T* const all = of_chunks.data();
    const T* const peak = peaks[static_cast<std::size_t>(first_peak(all, all + chunks) - all)];
    return Peak{std::abs(static_cast<double>(*peak)), peak - values};
  });
}

void abs_max_cpu(const std::vector<Tensor>& tensors, std::vector<Peak>& peaks) {
  std::transform(tensors.begin(), tensors.end(), peaks.begin(), peak_of);
}

void abs_power_sum_cpu(const Tensor& x, double p, double scale, double& sum) {
  dispatch_floating(x.dtype(), "abs_power_sum", [&]<class T>() {
    const T* const values = x.data<T>();
    const auto ratio = [=](std::int64_t i) {
      return std::abs(static_cast<double>(values[i])) / scale;
    };
    if (p == 1.0)
      sum = sum_of(x.numel(), ratio);
    else if (p == 2.0)
      sum = sum_of(x.numel(), [=](std::int64_t i) { return ratio(i) * ratio(i); });
    else
      sum = sum_of(x.numel(), [=](std::int64_t i) { return std::pow(ratio(i), p); });
  });
}

void dot_cpu(const Tensor& a, const Tensor& b, double& sum) {
  dispatch_floating(a.dtype(), "dot", [&]<class T>() {
    const T* const left = a.data<T>();
    const T* const right = b.data<T>();
    sum = sum_of(a.numel(), [=](std::int64_t i) {
      return static_cast<double>(left[i]) * static_cast<double>(right[i]);
    });
  });
}

void sphere_normal_cpu(const Tensor& x, double p, double norm, const Tensor& out) {
  dispatch_floating(x.dtype(), "sphere_normal", [&]<class T>() {
    cpu::map<T, T>(x, out, SphereNormal{p, norm});
  });
}

void linear_combination_cpu(double a, const Tensor& x, double b, const Tensor& y,
                            const Tensor& out) {
  dispatch_floating(x.dtype(), "linear_combination", [&]<class T>() {
    cpu::map2<T>(x, y, out, LinearCombination{a, b});
  });
}

const Fill fill_abs_max{abs_max, DeviceType::CPU, &abs_max_cpu};
const Fill fill_abs_power_sum{abs_power_sum, DeviceType::CPU, &abs_power_sum_cpu};
const Fill fill_dot{dot, DeviceType::CPU, &dot_cpu};
const Fill fill_sphere_normal{sphere_normal, DeviceType::CPU, &sphere_normal_cpu};
const Fill fill_linear_combination{linear_combination, DeviceType::CPU, &linear_combination_cpu};

}  // namespace
}  // namespace rho::kernels
