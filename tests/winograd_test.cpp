// Winograd convolution against plain sums in double, within the bound that winograd.h states.
#include "kernels/cpu/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/caches.h"
#include "kernels/threads.h"
#include "tests/support/testing.h"
#include "tests/support/winograd_bound.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;
using kernels::cpu::WinogradShape;
using testing::expect_within;
using testing::Expected;
using testing::expected;
using testing::uniform;
using testing::Values;
using testing::winograd_cases;
using testing::WinogradCase;

/// Outputs start as NaN: every element must be overwritten.
std::vector<float> unset(const Shape& shape) {
  return std::vector<float>(static_cast<std::size_t>(numel(shape)),
                            std::numeric_limits<float>::quiet_NaN());
}

struct Results {
  std::vector<float> y, grad_x, grad_w;
};

Results run(const WinogradCase& c, const Tensor& x, const Tensor& w, const Tensor& g) {
  Results r{unset(c.y()), unset(c.x), unset(c.w)};
  kernels::cpu::winograd_forward(c.shape(), x.data<float>(), w.data<float>(),
                                 kernels::cpu::Epilogue<float>({}), r.y.data());
  kernels::cpu::winograd_input_grad(c.shape(), g.data<float>(), w.data<float>(), r.grad_x.data());
  kernels::cpu::winograd_weight_grad(c.shape(), x.data<float>(), g.data<float>(), r.grad_w.data());
  return r;
}

Values doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

TEST(Winograd, EqualsPlainSumsWithinItsBound) {
  for (const WinogradCase& c : winograd_cases()) {
    SCOPED_TRACE(::testing::Message() << c);
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
    const Tensor g = uniform<float>(c.y(), 3);
    const Expected e =
        expected(c, x.to_vector<double>(), w.to_vector<double>(), g.to_vector<double>());
    const Results found = run(c, x, w, g);
    const WinogradShape s = c.shape();
    const std::int64_t tiles = s.images * s.out_height * s.out_width;
    expect_within(doubles(found.y), e.y, e.bound_y, s.phases() * s.ins, "y");
    expect_within(doubles(found.grad_x), e.grad_x, e.bound_x, s.outs, "grad_x");
    expect_within(doubles(found.grad_w), e.grad_w, e.bound_w, tiles, "grad_w");
  }
}

// The bound is loose; what is met on normal data is what networks see.
TEST(Winograd, TypicalErrorIsAFewRoundings) {
  const WinogradCase three{{4, 16, 16, 64}, {64, 3, 3, 64}, 1, 1},
      five{{4, 12, 12, 24}, {24, 5, 5, 24}, 1, 0}, strided{{4, 16, 16, 32}, {64, 3, 3, 32}, 2, 1};
  for (const WinogradCase& c : {three, five, strided}) {
    SCOPED_TRACE(::testing::Message() << c);
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
    const Tensor g = uniform<float>(c.y(), 3);
    const Results found = run(c, x, w, g);
    const auto relative = [](const std::vector<float>& values, const Tensor& exact) {
      double error = 0.0, size = 0.0;
      const Values right = exact.to_vector<double>();
      for (std::size_t i = 0; i < right.size(); ++i) {
        error += std::pow(static_cast<double>(values[i]) - right[i], 2);
        size += right[i] * right[i];
      }
      return std::sqrt(error / size);
    };
    const auto wide = [](const Tensor& t) {
      return Tensor::from(t.to_vector<double>(), t.shape());
    };
    const Tensor y = Tensor::empty(c.y(), DType::Float64),
                 grad_x = Tensor::empty(c.x, DType::Float64);
    const Tensor grad_w = Tensor::empty(c.w, DType::Float64);
    kernels::conv2d_forward(wide(x), wide(w), c.options(), {}, y);
    kernels::conv2d_input_grad(wide(g), wide(w), c.options(), grad_x);
    kernels::conv2d_weight_grad(wide(x), wide(g), c.options(), grad_w);
    for (const double error :
         {relative(found.y, y), relative(found.grad_x, grad_x), relative(found.grad_w, grad_w)})
      EXPECT_LE(error, 4e-6);
  }
}

// Results that no cache would hold are stored another way.
TEST(Winograd, LargeResults) {
  const std::int64_t pixels = 2 * kernels::cpu::caches().second / (16 * 4) + 64;
  const WinogradCase c{{pixels / 64 + 1, 8, 8, 16}, {16, 3, 3, 16}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
  const Tensor g = uniform<float>(c.y(), 3);
  const Results all = run(c, x, w, g);
  // The first images alone, whose results are small.
  const WinogradCase few{{8, 8, 8, 16}, c.w, 1, 1};
  const Results some = run(few, x, w, g);
  EXPECT_TRUE(std::equal(some.y.begin(), some.y.end(), all.y.begin()));
  EXPECT_TRUE(std::equal(some.grad_x.begin(), some.grad_x.end(), all.grad_x.begin()));
  EXPECT_TRUE(std::none_of(all.y.begin(), all.y.end(), [](float v) { return std::isnan(v); }));
  EXPECT_TRUE(
      std::none_of(all.grad_x.begin(), all.grad_x.end(), [](float v) { return std::isnan(v); }));
}

TEST(Winograd, SameBitsForAnyNumberOfThreads) {
  const int before = kernels::threads();
  for (const WinogradCase& c : winograd_cases()) {
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
    const Tensor g = uniform<float>(c.y(), 3);
    kernels::set_threads(1);
    const Results one = run(c, x, w, g);
    for (const int threads : {2, 3}) {
      kernels::set_threads(threads);
      const Results more = run(c, x, w, g);
      EXPECT_TRUE(more.y == one.y && more.grad_x == one.grad_x && more.grad_w == one.grad_w)
          << c << ", " << threads << " threads";
    }
  }
  kernels::set_threads(before);
}

/// y's channels against sums in double. A tile's deviations d from its part's first pixel are added
/// up in float: 16 of them, and as many squares, of which each is rounded. No |d| is more than the
/// range of the channel, nor do their means deviate more.
void expect_statistics_of(const Tensor& y, const Tensor& mean, const Tensor& variance) {
  const auto values = y.to_vector<double>(), means = mean.to_vector<double>(),
             variances = variance.to_vector<double>();
  const std::size_t channels = means.size(), rows = values.size() / channels;
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0.0, squares = 0.0, least = values[c], most = values[c];
    for (std::size_t i = c; i < values.size(); i += channels) {
      sum += values[i];
      least = std::min(least, values[i]);
      most = std::max(most, values[i]);
    }
    const double expected = sum / static_cast<double>(rows), range = most - least;
    for (std::size_t i = c; i < values.size(); i += channels)
      squares += (values[i] - expected) * (values[i] - expected);
    EXPECT_LE(std::abs(means[c] - expected), kEps * (std::abs(expected) + 18 * range)) << c;
    EXPECT_LE(std::abs(variances[c] - squares / static_cast<double>(rows)),
              kEps * (18 + 2 * 18) * range * range)
        << c;
  }
}

// Taken on the way to memory where the channels fill vectors, and else in a pass of their own.
TEST(Winograd, StatisticsAreThoseOfTheResult) {
  const int before = kernels::threads();
  std::vector<WinogradCase> cases = winograd_cases();
  std::erase_if(cases, [](const WinogradCase& c) { return c.x[0] == 0; });
  const std::int64_t many = 2 * kernels::cpu::caches().second / (16 * 64 * 4) + 1;
  cases.push_back({{many, 8, 8, 16}, {16, 3, 3, 16}, 1, 1});
  cases.push_back({{5, 30, 27, 9}, {32, 3, 3, 9}, 1, 1});
  cases.push_back({{6, 34, 31, 16}, {48, 3, 3, 16}, 2, 1});
  cases.push_back({{4, 22, 19, 10}, {16, 5, 5, 10}, 1, 2});
  cases.push_back({{4, 42, 37, 10}, {16, 5, 5, 10}, 2, 2});
  for (const double centre : {0.0, 1e3})
    for (const WinogradCase& c : cases) {
      SCOPED_TRACE(::testing::Message() << c << " around " << centre);
      const Tensor x = uniform<float>(c.x, 1, centre - 1.0, centre + 1.0);
      const Tensor w = uniform<float>(c.w, 2);
      const auto outs = c.y()[3];
      const auto run = [&](int threads) {
        kernels::set_threads(threads);
        const Tensor y = uniform<float>(c.y(), 3), mean = uniform<float>({outs}, 4),
                     variance = uniform<float>({outs}, 5);
        kernels::conv2d_with_statistics(x, w, c.options(), y, mean, variance);
        return std::vector{y, mean, variance};
      };
      const std::vector<Tensor> found = run(1);
      const Tensor y = uniform<float>(c.y(), 6);
      kernels::conv2d_forward(x, w, c.options(), {}, y);
      EXPECT_EQ(found[0].to_vector<float>(), y.to_vector<float>());
      expect_statistics_of(y, found[1], found[2]);
      for (const int threads : {2, 3}) {
        const std::vector<Tensor> more = run(threads);
        for (std::size_t i = 0; i < found.size(); ++i)
          EXPECT_EQ(more[i].to_vector<float>(), found[i].to_vector<float>());
      }
    }
  kernels::set_threads(before);
}

TEST(Winograd, StatisticsNameWhatIsWrong) {
  const auto message = [](const Shape& x, const Shape& channels) {
    const Shape w{16, 3, 3, 16};
    const Conv2dOptions options{.pad_h = 1, .pad_w = 1};
    return testing::message_of([&] {
      kernels::conv2d_with_statistics(uniform<float>(x), uniform<float>(w), options,
                                      uniform<float>(kernels::conv2d_shape(x, w, options)),
                                      uniform<float>(channels), uniform<float>({16}));
    });
  };
  EXPECT_TRUE(
      testing::contains(message({0, 8, 8, 16}, {16}), "[conv2d_with_statistics]", "[0, 8, 8, 16]"));
  EXPECT_TRUE(testing::contains(message({2, 8, 8, 16}, {15}), "[batch_statistics]", "[15]"));
}

TEST(Winograd, IsUsedWhereItPays) {
  const auto used = [](const Shape& x, const Shape& w, const Conv2dOptions& options) {
    return kernels::cpu::winograd_shape(x, w, kernels::conv2d_shape(x, w, options), options)
        .has_value();
  };
  const Conv2dOptions padded{.pad_h = 1, .pad_w = 1};
  EXPECT_TRUE(used({128, 32, 32, 16}, {16, 3, 3, 16}, padded));
  EXPECT_TRUE(used({100, 28, 28, 24}, {24, 5, 5, 24}, {}));
  EXPECT_TRUE(used({128, 16, 16, 64}, {64, 5, 5, 64},
                   {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}));
  EXPECT_TRUE(used({128, 16, 16, 32}, {64, 3, 3, 32},
                   {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}));
  EXPECT_FALSE(used({128, 32, 32, 3}, {16, 3, 3, 3}, padded));  // few channels
  EXPECT_FALSE(used({1, 8, 8, 64}, {64, 3, 3, 64}, padded));    // few tiles
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 8}, {.pad_h = 1, .pad_w = 1, .groups = 2}));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 5, 16}, padded));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, {.stride_h = 2, .stride_w = 2}));
  EXPECT_FALSE(used({0, 32, 32, 16}, {16, 3, 3, 16}, padded));
}

}  // namespace
}  // namespace rho
