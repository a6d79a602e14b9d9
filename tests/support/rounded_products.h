// Products of operands that the test rounds itself, in double: what products in tf32 and bf16 are
// compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "tests/support/testing.h"

namespace rho::testing {

inline const Device kCuda{DeviceType::CUDA, 0};

inline int significand_bits(kernels::ProductPrecision precision) {
  return precision == kernels::ProductPrecision::BFloat16 ? 8 : 11;
}

/// To nearest, ties to even (the mode of nearbyint), in arithmetic instead of bits.
inline double rounded(double x, kernels::ProductPrecision precision) {
  if (!std::isfinite(x)) return x;
  int exponent = 0;
  const int bits = significand_bits(precision);
  const double significand = std::ldexp(std::frexp(x, &exponent), bits);
  const double out = std::ldexp(std::nearbyint(significand), exponent - bits);
  const bool overflows = std::abs(out) > static_cast<double>(std::numeric_limits<float>::max());
  return overflows ? std::copysign(std::numeric_limits<double>::infinity(), out) : out;
}

template <class Function>
Tensor mapped(const Tensor& x, const Function& f) {
  std::vector<double> values = x.to_vector<double>();
  std::transform(values.begin(), values.end(), values.begin(), f);
  return Tensor::from(values, x.shape());
}
inline Tensor rounded(const Tensor& x, kernels::ProductPrecision precision) {
  return mapped(x, [&](double value) { return rounded(value, precision); });
}
inline Tensor magnitudes(const Tensor& x) {
  return mapped(x, [](double value) { return std::abs(value); });
}

/// Sums of `terms` products, whose magnitudes sum to `magnitude`: two roundings a term leave room
/// for sums that are cut off instead of rounded, as PTX allows. A product of rounded operands has
/// at most 22 bits and is exact.
inline void expect_sums(const Tensor& found, const Tensor& expected, const Tensor& magnitude,
                        std::int64_t terms) {
  ASSERT_EQ(found.shape(), expected.shape());
  const auto values = found.to(Device{}).to_vector<double>(), sums = expected.to_vector<double>(),
             sizes = magnitude.to_vector<double>();
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double bound = 2.0 * static_cast<double>(terms + 2) * sizes[i] * epsilon<float>();
    if (!(std::abs(values[i] - sums[i]) <= bound) && wrong++ == 0) first = i;
  }
  EXPECT_EQ(wrong, 0U) << "of " << values.size() << ", the first is element " << first << ": "
                       << values[first] << ", expected " << sums[first] << ", of terms "
                       << sizes[first];
}

/// Outputs start as NaN: every element must be overwritten.
inline Tensor unset(const Shape& shape) {
  return Tensor::from(std::vector<float>(static_cast<std::size_t>(numel(shape)),
                                         std::numeric_limits<float>::quiet_NaN()),
                      shape, kCuda);
}

inline Shape product_shape(const Tensor& a, const Tensor& b) {
  Shape out = a.shape();
  out[a.rank() - 1] = b.size(-1);
  return out;
}

inline Tensor product_in_double(const Tensor& a, const Tensor& b) {
  const Tensor out = Tensor::empty(product_shape(a, b), DType::Float64, Device{});
  kernels::matmul(a, b, out);
  return out;
}

}  // namespace rho::testing
