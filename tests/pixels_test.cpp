// Shuffled, random and Gaussian pixels.
#include "datasets/pixels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/support/testing.h"

namespace rho::datasets {
namespace {

using testing::contains;
using testing::message_of;

constexpr std::int64_t kSide = 4, kPixels = kSide * kSide;

// Images of two channels: pixel i of image n is (i + n, 255 - i - n).
Dataset images(const std::string& name, std::int64_t count) {
  std::vector<std::uint8_t> values;
  std::vector<std::int64_t> labels;
  for (std::int64_t n = 0; n < count; ++n) {
    labels.push_back(n % 3);
    for (std::int64_t i = 0; i < kPixels; ++i) {
      values.push_back(static_cast<std::uint8_t>(i + n));
      values.push_back(static_cast<std::uint8_t>(255 - i - n));
    }
  }
  return {name, Tensor::from(values, {count, kSide, kSide, 2}), Tensor::from(labels, {count}), 3};
}

// Feature i of example n is 100 n + i.
Dataset features(const std::string& name, std::int64_t count, std::int64_t size) {
  std::vector<double> values;
  for (std::int64_t n = 0; n < count; ++n)
    for (std::int64_t i = 0; i < size; ++i) values.push_back(static_cast<double>(100 * n + i));
  return {name, Tensor::from(values, {count, size}),
          Tensor::from(std::vector<std::int64_t>(static_cast<std::size_t>(count), 0), {count}), 1};
}

// Where each position of example n came from; fails where a pixel is none of that example's.
std::vector<int> order_of(const Tensor& examples, std::int64_t n) {
  std::vector<int> order;
  const std::vector<int> values = examples.select(0, n).to_vector<int>();
  const bool pairs = examples.rank() == 4;
  for (std::size_t i = 0; i < values.size(); i += pairs ? 2 : 1) {
    order.push_back(values[i] - static_cast<int>(pairs ? n : 100 * n));
    if (pairs) {
      EXPECT_EQ(values[i] + values[i + 1], 255) << "the channels of a pixel came apart";
    }
  }
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(sorted[i], static_cast<int>(i));
  return order;
}

TEST(Pixels, NaturalOnesStay) {
  const Split split{images("train", 5), images("test", 3)};
  const Split same = change_pixels(split, PixelMode::Natural, 1);
  EXPECT_TRUE(same.train.examples.shares_storage(split.train.examples));
  EXPECT_TRUE(same.test.examples.shares_storage(split.test.examples));
}

TEST(Pixels, ShuffledOnesAreShuffledAlikeEverywhere) {
  for (const Split& split : {Split{images("train", 5), images("test", 3)},
                             Split{features("train", 5, 16), features("test", 3, 16)}}) {
    const Split shuffled = change_pixels(split, PixelMode::Shuffled, 1);
    const std::vector<int> order = order_of(shuffled.train.examples, 0);
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    for (std::int64_t n = 0; n < 5; ++n) EXPECT_EQ(order_of(shuffled.train.examples, n), order);
    for (std::int64_t n = 0; n < 3; ++n) EXPECT_EQ(order_of(shuffled.test.examples, n), order);
    EXPECT_NE(order_of(change_pixels(split, PixelMode::Shuffled, 2).train.examples, 0), order);
    EXPECT_TRUE(shuffled.train.labels.shares_storage(split.train.labels));
    EXPECT_EQ(shuffled.train.name, "train");
    EXPECT_EQ(order_of(split.train.examples, 0)[1], 1);  // the original is left alone
  }
}

TEST(Pixels, RandomOnesAreShuffledEachItsOwnWay) {
  for (const Split& split : {Split{images("train", 5), images("test", 3)},
                             Split{features("train", 5, 16), features("test", 3, 16)}}) {
    const Split random = change_pixels(split, PixelMode::Random, 1);
    std::set<std::vector<int>> orders;
    for (std::int64_t n = 0; n < 5; ++n) orders.insert(order_of(random.train.examples, n));
    for (std::int64_t n = 0; n < 3; ++n) orders.insert(order_of(random.test.examples, n));
    EXPECT_EQ(orders.size(), 8U);
    EXPECT_EQ(order_of(change_pixels(split, PixelMode::Random, 1).test.examples, 2),
              order_of(random.test.examples, 2));
  }
}

// Every permutation is as likely as any other, within 5 sigma.
TEST(Pixels, PermutationsAreUniform) {
  constexpr int kCount = 6000;
  const Split split{features("train", kCount, 3), features("test", 1, 3)};
  const Tensor random = change_pixels(split, PixelMode::Random, 3).train.examples;
  std::map<std::vector<int>, int> counts;
  for (std::int64_t n = 0; n < kCount; ++n) ++counts[order_of(random, n)];
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [order, count] : counts)
    EXPECT_NEAR(count, kCount / 6.0, 5 * std::sqrt(kCount / 6.0 * 5 / 6));
}

TEST(Pixels, GaussianOnesHaveTheTrainingSetsMoments) {
  // Two features: 100 n and 100 n + 1, of n = 0 ... 999.
  const Split split{features("train", 1000, 2), features("test", 1000, 2)};
  const Split noise = change_pixels(split, PixelMode::Gaussian, 5);
  const double mean = 100 * 999 / 2.0, std = 100 * std::sqrt((1e6 - 1) / 12);
  for (const Dataset& of : {noise.train, noise.test}) {
    const std::vector<double> values = of.examples.to_vector<double>();
    double sum = 0.0, squares = 0.0, product = 0.0;
    for (std::size_t i = 0; i < values.size(); i += 2) {
      const double a = (values[i] - mean) / std, b = (values[i + 1] - mean - 1) / std;
      sum += a / 1000;
      squares += a * a / 1000;
      product += a * b / 1000;  // the features were one and the same; noise is independent
    }
    EXPECT_NEAR(sum, 0.0, 5 / std::sqrt(1000.0));
    EXPECT_NEAR(squares, 1.0, 5 * std::sqrt(2 / 1000.0));
    EXPECT_NEAR(product, 0.0, 5 / std::sqrt(1000.0));
  }
  EXPECT_NE(noise.train.examples.to_vector<double>(), noise.test.examples.to_vector<double>());
}

TEST(Pixels, GaussianBytesAreClampedAndConstantsStay) {
  constexpr std::int64_t kCount = 500;
  std::vector<std::uint8_t> values;  // one channel is 0 or 255, the other is 77
  for (std::int64_t i = 0; i < kCount; ++i)
    values.insert(values.end(), {static_cast<std::uint8_t>(i % 2 * 255), std::uint8_t{77}});
  const Dataset train{"train", Tensor::from(values, {kCount, 1, 1, 2}),
                      Tensor::from(std::vector<std::int64_t>(kCount, 0), {kCount}), 1};
  const std::vector<int> noise =
      change_pixels({train, train}, PixelMode::Gaussian, 6).train.examples.to_vector<int>();
  int dark = 0, bright = 0;
  for (std::size_t i = 0; i < noise.size(); i += 2) {
    dark += noise[i] == 0;
    bright += noise[i] == 255;
    EXPECT_EQ(noise[i + 1], 77);
  }
  // 127.5 is one standard deviation: 0.1587 of a normal distribution lie beyond it.
  const double expected = 0.1587 * kCount, sigma = std::sqrt(expected * 0.8413);
  EXPECT_NEAR(dark, expected, 5 * sigma);
  EXPECT_NEAR(bright, expected, 5 * sigma);
}

TEST(Pixels, Errors) {
  EXPECT_EQ(parse_pixel_mode("gaussian"), PixelMode::Gaussian);
  EXPECT_TRUE(contains(message_of([] { parse_pixel_mode("some"); }), "[pixels]", "some",
                       "natural, shuffled, random, gaussian"));
  const Split mixed{images("train", 2), features("test", 2, 16)};
  EXPECT_TRUE(contains(message_of([&] { change_pixels(mixed, PixelMode::Random, 1); }), "[pixels]",
                       "[2, 16]", "[2, 4, 4, 2]"));
  const Split other{features("train", 2, 16), features("test", 2, 15)};
  EXPECT_TRUE(contains(message_of([&] { change_pixels(other, PixelMode::Random, 1); }), "[pixels]",
                       "[2, 15]", "[2, 16]"));
}

}  // namespace
}  // namespace rho::datasets
