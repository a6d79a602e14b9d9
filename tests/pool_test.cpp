// Pooling against plain loops over every window, and its derivatives.
#include "autograd/ops/pool.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::epsilon;
using testing::leaf;
using testing::message_of;
using testing::strided;
using testing::uniform;

struct PoolCase {
  Shape x;
  Pool2dOptions options;
};

const std::vector<PoolCase>& pool_cases() {
  static const std::vector<PoolCase> all{
      {{2, 4, 6, 3}, {}},
      {{1, 1, 1, 1}, {.size_h = 1, .size_w = 1, .stride_h = 1, .stride_w = 1}},
      {{2, 5, 7, 2}, {.size_h = 3, .size_w = 2, .stride_h = 1, .stride_w = 2}},  // windows overlap
      {{2, 5, 5, 2}, {.size_h = 3, .size_w = 3, .pad_h = 1, .pad_w = 1}},
      {{1, 7, 3, 4}, {.size_h = 2, .size_w = 3, .stride_h = 3, .stride_w = 3}},  // rows left out
      {{0, 4, 4, 2}, {}},
  };
  return all;
}

/// For every output element: the elements of x that its window sees.
std::vector<std::vector<double>> windows(const PoolCase& c, const Tensor& x) {
  const auto values = x.to_vector<double>();
  const Shape y = kernels::pool2d_shape(c.x, c.options, "test");
  std::vector<std::vector<double>> out;
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t i = 0; i < y[1]; ++i)
      for (std::int64_t j = 0; j < y[2]; ++j)
        for (std::int64_t ch = 0; ch < y[3]; ++ch) {
          out.emplace_back();
          for (std::int64_t a = 0; a < c.options.size_h; ++a)
            for (std::int64_t b = 0; b < c.options.size_w; ++b) {
              const std::int64_t h = i * c.options.stride_h + a - c.options.pad_h;
              const std::int64_t w = j * c.options.stride_w + b - c.options.pad_w;
              if (h >= 0 && h < c.x[1] && w >= 0 && w < c.x[2])
                out.back().push_back(values[static_cast<std::size_t>(
                    ((n * c.x[1] + h) * c.x[2] + w) * c.x[3] + ch)]);
            }
        }
  return out;
}

template <class T>
void expect_pools(const PoolCase& c, const Tensor& x) {
  std::vector<double> largest, average;
  for (const auto& window : windows(c, x)) {
    largest.push_back(*std::max_element(window.begin(), window.end()));
    double sum = 0.0;
    for (const double value : window) sum += value;
    average.push_back(sum / static_cast<double>(c.options.size_h * c.options.size_w));
  }
  testing::expect_near(max_pool2d(Variable(x), c.options).value(), largest, 0.0);
  // One rounding a term, and that of the share.
  testing::expect_near(avg_pool2d(Variable(x), c.options).value(), average,
                       static_cast<double>(c.options.size_h * c.options.size_w + 2) * epsilon<T>());
}

TEST(Pool, AgreesWithDouble) {
  for (const PoolCase& c : pool_cases()) {
    expect_pools<double>(c, uniform(c.x));
    expect_pools<float>(c, uniform<float>(c.x));
    if (c.x[0] > 0) expect_pools<double>(c, strided<double>(uniform(c.x)));
  }
}

TEST(Pool, Derivatives) {
  for (const PoolCase& c : pool_cases())
    for (auto* op : {&max_pool2d, &avg_pool2d}) {
      const auto f = [&](const std::vector<Variable>& in) {
        const Variable y = (*op)(in[0], c.options);
        return mul(y, y);
      };
      EXPECT_TRUE(gradcheck(f, {leaf(uniform(c.x))})) << gradcheck(f, {leaf(uniform(c.x))}).message;
      EXPECT_TRUE(gradgradcheck(f, {leaf(uniform(c.x))})) << c.x;
    }
}

TEST(Pool, PaddingNeverWinsAndNaNDoes) {
  const Pool2dOptions padded{.size_h = 2, .size_w = 2, .pad_h = 1, .pad_w = 1};
  const Tensor negative = uniform({1, 2, 2, 1}, 1, -2.0, -1.0);
  EXPECT_EQ(max_pool2d(Variable(negative), padded).value().to_vector<double>(),
            negative.to_vector<double>());
  negative.data<double>()[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(max_pool2d(Variable(negative), {}).item()));
}

TEST(Pool, TheFirstOfEqualElementsGetsTheGradient) {
  const Variable x = leaf(Tensor::from(std::vector<double>{1, 1, 1, 1}, {1, 2, 2, 1}));
  testing::expect_near(
      grad({max_pool2d(x, {})}, {x}, {Variable(uniform({1, 1, 1, 1}, 1, 1, 1))})[0].value(),
      {1, 0, 0, 0}, 0.0);
}

TEST(Pool, AnImageWithoutPixelsIsRefused) {
  const Variable x(Tensor::empty({1, 0, 2, 3}, DType::Float64));
  const Pool2dOptions padded{2, 2, 1, 1, 1, 1};
  EXPECT_TRUE(contains(message_of([&] { max_pool2d(x, padded); }), "[max_pool2d]", "[1, 0, 2, 3]"));
  EXPECT_TRUE(contains(message_of([&] { avg_pool2d(x, padded); }), "[avg_pool2d]", "[1, 0, 2, 3]"));
}

TEST(Pool, Global) {
  const Tensor x = uniform({2, 3, 4, 5});
  const Variable all = global_avg_pool2d(Variable(x));
  EXPECT_TRUE(all.shape() == Shape({2, 5}));
  const Pool2dOptions whole{.size_h = 3, .size_w = 4};
  testing::expect_near(all.value(), avg_pool2d(Variable(x), whole).value().to_vector<double>(),
                       16 * epsilon<double>());
  const auto f = [](const std::vector<Variable>& in) { return global_avg_pool2d(in[0]); };
  EXPECT_TRUE(gradcheck(f, {leaf(uniform({1, 2, 2, 2}))}));
}

TEST(Pool, Messages) {
  const Variable x(uniform({1, 3, 3, 1})), flat(uniform({3, 3}));
  EXPECT_TRUE(contains(message_of([&] { max_pool2d(flat, {}); }), "[max_pool2d]", "[3, 3]"));
  EXPECT_TRUE(contains(message_of([&] { avg_pool2d(x, {.size_h = 4}); }), "[avg_pool2d]", "(4, 2)",
                       "[1, 3, 3, 1]"));
  EXPECT_TRUE(contains(message_of([&] { max_pool2d(x, {.pad_h = 2}); }), "half the window"));
  EXPECT_TRUE(contains(message_of([&] { max_pool2d(x, {.stride_w = 0}); }), "at least 1"));
  EXPECT_TRUE(
      contains(message_of([&] { global_avg_pool2d(flat); }), "[global_avg_pool2d]", "[3, 3]"));
}

}  // namespace
}  // namespace rho
