// Checking a sum of products against the same sum in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/precision.h"

namespace rho::bench {

/// The largest relative error of an operand of products in `precision`, cut off where it is not
/// rounded to nearest.
inline double operand_rounding(kernels::ProductPrecision precision) {
  switch (precision) {
    case kernels::ProductPrecision::TensorFloat32:
      return 0x1p-10;
    case kernels::ProductPrecision::BFloat16:
      return 0x1p-7;
    default:
      return 0.0;
  }
}

/// A sum in double, with what bounds the error of another way to compute it.
struct ReferenceSum {
  double sum = 0.0, magnitude = 0.0;  ///< of the terms, and of their absolute values
  std::int64_t terms = 0;

  void add(double a, double b) {
    sum += a * b;
    magnitude += std::abs(a * b);
    ++terms;
  }

  /// Whether `found`, the same sum taken in T and in any order, is right. With u = epsilon / 2 its
  /// error is at most 8 sqrt(n) u times the sum of the absolute values, but for a probability of
  /// 3e-14 n (Higham and Mary 2019, theorem 2.4, lambda = 8). NaN is never right. `rounding` is the
  /// largest relative error of an operand that was rounded before.
  template <class T>
  bool agrees_with(T found, double rounding = 0.0) const {
    return std::abs(static_cast<double>(found) - sum) <= tolerance<T>(rounding);
  }
  template <class T>
  double tolerance(double rounding = 0.0) const {
    constexpr auto kEpsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double of_sum = 4.0 * std::sqrt(static_cast<double>(terms)) * kEpsilon;
    return (of_sum + rounding * (2.0 + rounding)) * magnitude;
  }
};

}  // namespace rho::bench
