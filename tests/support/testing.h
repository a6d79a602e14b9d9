// What most tests need: seeded inputs, leaves, tolerances, and the text of an error.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "tensor/random.h"

namespace rho::testing {

/// Uniform in [low, high), the same for a given stream.
template <class T = double>
Tensor uniform(const Shape& shape, std::uint64_t stream = 0, double low = -1.0, double high = 1.0) {
  Rng rng(31, stream);
  Tensor out = Tensor::empty(shape, dtype_of<T>());
  std::generate_n(out.data<T>(), out.numel(),
                  [&] { return static_cast<T>(low + (high - low) * rng.uniform()); });
  return out;
}

/// The values of `x` in a tensor that is neither contiguous nor at offset 0: every second column of
/// a transposed, larger one. Rank >= 1.
template <class T>
Tensor strided(const Tensor& x) {
  Shape spread = x.shape();
  for (std::int64_t& extent : spread) extent = 2 * extent + 1;
  Dims reversed;
  for (int d = x.rank() - 1; d >= 0; --d) reversed.push_back(d);
  Shape memory;
  for (const std::int64_t d : reversed) memory.push_back(spread[static_cast<int>(d)]);
  Tensor view = Tensor::empty(memory, dtype_of<T>()).permute(reversed);
  std::fill_n(view.data<T>(), view.numel(), std::numeric_limits<T>::quiet_NaN());
  for (int d = 0; d < x.rank(); ++d) view = view.slice(d, 1, 1 + 2 * x.shape()[d], 2);
  const std::vector<T> values = x.to_vector<T>();
  std::size_t i = 0;
  T* const data = view.data<T>();
  for_each_offset(view.shape(), view.strides(),
                  [&](std::int64_t offset) { data[offset] = values[i++]; });
  return view;
}

inline Variable leaf(const Tensor& value) { return Variable(value, true); }

template <class T>
constexpr double epsilon() {
  return static_cast<double>(std::numeric_limits<T>::epsilon());
}

/// |found - expected| <= tolerance * max(1, |expected|) for every element; NaN only where expected.
inline void expect_near(const Tensor& found, const std::vector<double>& expected, double tolerance,
                        const std::string& what = "") {
  const std::vector<double> values = found.to_vector<double>();
  ASSERT_EQ(values.size(), expected.size()) << what;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool both_nan = std::isnan(values[i]) && std::isnan(expected[i]);
    const bool same = values[i] == expected[i];  // equal infinities have no difference
    const double error = std::abs(values[i] - expected[i]);
    EXPECT_TRUE(both_nan || same || error <= tolerance * std::max(1.0, std::abs(expected[i])))
        << what << " element " << i << ": " << values[i] << ", expected " << expected[i];
  }
}

/// The message of the Error that `body` throws; "no error" without one.
inline std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Passes when `text` has every one of `parts`.
template <class... Parts>
::testing::AssertionResult contains(const std::string& text, const Parts&... parts) {
  for (const std::string& part : {std::string(parts)...})
    if (text.find(part) == std::string::npos)
      return ::testing::AssertionFailure() << '"' << text << "\" lacks \"" << part << '"';
  return ::testing::AssertionSuccess();
}

}  // namespace rho::testing
