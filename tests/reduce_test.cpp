// Reductions against plain loops in double, over every choice of dimensions.
#include "autograd/ops/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "autograd/gradcheck.h"
#include "autograd/ops/shape.h"
#include "kernels/threads.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::epsilon;
using testing::leaf;
using testing::message_of;
using testing::strided;
using testing::uniform;

/// The sums of x over `dims`, by visiting every element; and the sums of magnitudes.
struct Sums {
  std::vector<double> values, magnitudes;
};
Sums oracle(const Tensor& x, const Dims& dims) {
  Dims reduced = Dims::filled(x.rank(), 0);
  for (const std::int64_t d : dims) reduced[wrap_dim(d, x.rank(), "test")] = 1;
  std::int64_t size = 1;
  for (int d = 0; d < x.rank(); ++d)
    if (reduced[d] == 0) size *= x.shape()[d];
  Sums sums{std::vector<double>(size, 0.0), std::vector<double>(size, 0.0)};
  Dims index = Dims::filled(x.rank(), 0);
  for (const double value : x.to_vector<double>()) {
    std::int64_t at = 0;
    for (int d = 0; d < x.rank(); ++d)
      if (reduced[d] == 0) at = at * x.shape()[d] + index[d];
    sums.values[static_cast<std::size_t>(at)] += value;
    sums.magnitudes[static_cast<std::size_t>(at)] += std::abs(value);
    for (int d = x.rank() - 1; d >= 0 && ++index[d] == x.shape()[d]; --d) index[d] = 0;
  }
  return sums;
}

template <class T>
void expect_sums(const Tensor& x, const Dims& dims) {
  const Sums expected = oracle(x, dims);
  const std::vector<double> found = sum(Variable(x), dims).value().to_vector<double>();
  ASSERT_EQ(found.size(), expected.values.size());
  const double terms =
      static_cast<double>(x.numel()) / std::max<double>(1.0, static_cast<double>(found.size()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    // Accumulated in double, on both sides, and rounded once to T.
    const double bound = 2 * terms * epsilon<double>() * expected.magnitudes[i] +
                         epsilon<T>() * std::abs(expected.values[i]);
    const double error = std::abs(found[i] - expected.values[i]);
    EXPECT_TRUE(error <= bound) << x.shape() << " over " << dims << ": " << found[i]
                                << ", expected " << expected.values[i];
  }
}

TEST(Reduce, SumsOverEveryChoiceOfDimensions) {
  const Shape shape{3, 4, 2, 5};
  for (int mask = 0; mask < 16; ++mask) {
    Dims dims;
    for (int d = 0; d < 4; ++d)
      if (mask >> d & 1) dims.push_back(d % 2 ? d - 4 : d);
    expect_sums<double>(uniform<double>(shape), dims);
    expect_sums<float>(uniform<float>(shape), dims);
    expect_sums<double>(strided<double>(uniform<double>(shape)), dims);
  }
}

TEST(Reduce, SumsOfLongEmptyAndSingleDimensions) {
  expect_sums<float>(uniform<float>({100003}), {0});
  expect_sums<float>(uniform<float>({40000, 7}), {0});
  expect_sums<float>(uniform<float>({3, 5000, 9}), {1});
  expect_sums<float>(uniform<float>({2, 30, 1500}), {1});
  expect_sums<double>(uniform<double>({0, 4}), {0});
  expect_sums<double>(uniform<double>({4, 0}), {0});
  expect_sums<double>(uniform<double>({1, 1}), {0, 1});
  expect_sums<double>(uniform<double>({}), {});
}

TEST(Reduce, LongFloatSumsKeepTheirDigits) {
  const std::int64_t count = 20'000'000;  // a float accumulator stops at 2^24
  const Tensor ones = Tensor::from(std::vector<float>{1.0F}, {1}).expand({count});
  EXPECT_EQ(sum(Variable(ones)).item(), static_cast<double>(count));
}

TEST(Reduce, SameBitsForAnyNumberOfThreads) {
  const int threads = kernels::threads();
  for (const Shape& shape : std::vector<Shape>{{300000, 1}, {20000, 17}}) {
    const Variable x(uniform<double>(shape));
    kernels::set_threads(1);
    const auto one = sum(x, {0}).value().to_vector<double>();
    kernels::set_threads(3);
    const auto three = sum(x, {0}).value().to_vector<double>();
    EXPECT_EQ(one, three);
  }
  kernels::set_threads(threads);
}

TEST(Reduce, MeanAndItsShapes) {
  const Variable x(uniform({2, 3, 4}));
  EXPECT_TRUE(sum(x, {1}, true).shape() == Shape({2, 1, 4}));
  EXPECT_TRUE(mean(x, {0, 2}, true).shape() == Shape({1, 3, 1}));
  EXPECT_TRUE(mean(x).shape() == Shape{});
  EXPECT_NEAR(mean(x).item(), oracle(x.value(), {0, 1, 2}).values[0] / 24.0, 4 * epsilon<double>());
}

TEST(Reduce, MaxAndArgmaxTakeTheFirstLargest) {
  const Tensor x = Tensor::from(std::vector<double>{1, 5, 5, 2, /**/ -1, -3, -1, -2}, {2, 4});
  testing::expect_near(max(Variable(x), 1).value(), {5, -1}, 0.0);
  EXPECT_EQ(argmax(x, -1).to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(argmax(x, 0).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(argmax(strided<double>(x), 1).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{1, 0}));
  EXPECT_TRUE(max(Variable(x), 0, true).shape() == Shape({1, 4}));
  const Variable tied = leaf(x);
  testing::expect_near(grad({sum(max(tied, 1))}, {tied})[0].value(), {0, 1, 0, 0, 1, 0, 0, 0}, 0.0);
}

TEST(Reduce, MaxFindsNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = Tensor::from(std::vector<double>{1, nan, 3, nan}, {4});
  EXPECT_TRUE(std::isnan(max(Variable(x), 0).item()));
  EXPECT_EQ(argmax(x, 0).item(), 1.0);
}

TEST(Reduce, SumToUndoesBroadcasting) {
  const Variable x(uniform({4, 3, 5}));
  for (const Shape& shape : std::vector<Shape>{{4, 3, 5}, {3, 5}, {1, 5}, {4, 1, 1}, {1}, {}}) {
    const Variable y = sum_to(x, shape);
    EXPECT_TRUE(y.shape() == shape) << shape;
    // <x, expand(u)> = <sum_to(x), u> for every u of the smaller shape.
    const Variable u(uniform(shape, 9));
    const double left = [&] {
      const auto a = x.value().to_vector<double>(),
                 b = u.value().expand(x.shape()).to_vector<double>();
      return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    }();
    const auto a = y.value().to_vector<double>(), b = u.value().to_vector<double>();
    EXPECT_NEAR(left, std::inner_product(a.begin(), a.end(), b.begin(), 0.0), 1e-12);
  }
}

TEST(Reduce, Derivatives) {
  const std::vector<std::pair<std::string, DifferentiableFunction>> cases{
      {"sum", [](const auto& in) { return sum(in[0]); }},
      {"sum over a few",
       [](const auto& in) {
         return sum(in[0], {0, -1});
       }},
      {"sum keepdim", [](const auto& in) { return sum(in[0], {1}, true); }},
      {"mean",
       [](const auto& in) {
         return mean(in[0], {1, 2});
       }},
      {"max", [](const auto& in) { return max(in[0], 1); }},
      {"max last", [](const auto& in) { return max(in[0], -1, true); }},
      {"sum_to",
       [](const auto& in) {
         return sum_to(in[0], {1, 2});
       }},
  };
  for (const auto& [name, f] : cases)
    for (const Tensor& x : {uniform({2, 3, 2}), strided<double>(uniform({2, 3, 2}))}) {
      EXPECT_TRUE(gradcheck(f, {leaf(x)})) << name << ": " << gradcheck(f, {leaf(x)}).message;
      EXPECT_TRUE(gradgradcheck(f, {leaf(x)})) << name;
    }
}

TEST(Reduce, Messages) {
  const Variable x(uniform({2, 3}));
  EXPECT_TRUE(contains(message_of([&] { sum(x, {2}); }), "[sum]", "2", "rank 2"));
  EXPECT_TRUE(contains(message_of([&] { sum(x, {0, 0}); }), "[sum]", "twice", "[2, 3]"));
  EXPECT_TRUE(contains(message_of([] {
                         mean(Variable(uniform({0, 3})), {0});
                       }),
                       "[mean]", "[0, 3]"));
  EXPECT_TRUE(contains(message_of([] {
                         max(Variable(uniform({3, 0})), 1);
                       }),
                       "[max]", "[3, 0, 1]"));
  EXPECT_TRUE(contains(message_of([&] { sum_to(x, {2, 2}); }), "[sum_to]", "[2, 3]", "[2, 2]"));
}

}  // namespace
}  // namespace rho
