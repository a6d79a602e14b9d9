// Initial weights: moments within five standard errors, orthogonality to rounding, reproducibility.
#include "nn/init.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::message_of;

void expect_variance(const Shape& shape, const nn::Init& init, double variance, double kurtosis) {
  Rng rng(3);
  const auto w = nn::init_weight(shape, init, rng, DType::Float64).to_vector<double>();
  const double count = static_cast<double>(w.size());
  double sum = 0, squares = 0;
  for (const double value : w) {
    sum += value;
    squares += value * value;
  }
  EXPECT_LE(std::abs(sum / count), 5 * std::sqrt(variance / count));
  // The variance of a sample variance is (kurtosis - 1) variance^2 / n.
  EXPECT_LE(std::abs(squares / count - variance), 5 * variance * std::sqrt((kurtosis - 1) / count));
}

TEST(Init, Variances) {
  const Shape conv{40, 5, 5, 30};
  expect_variance(conv, {nn::InitKind::He}, 2.0 / (25 * 30), 3.0);
  expect_variance(conv, {nn::InitKind::Glorot}, 2.0 / (25 * 30 + 25 * 40), 1.8);
  expect_variance(conv, {nn::InitKind::Normal, 0.05}, 0.0025, 3.0);
  expect_variance({100, 300}, {nn::InitKind::He}, 2.0 / 300, 3.0);
}

TEST(Init, OrthogonalRowsOrColumns) {
  for (const Shape& shape : std::vector<Shape>{{6, 2, 2, 4}, {20, 7}, {5, 5}, {1, 3}}) {
    Rng rng(4);
    const auto w =
        nn::init_weight(shape, {nn::InitKind::Orthogonal}, rng, DType::Float64).to_vector<double>();
    const auto rows = static_cast<std::size_t>(shape[0]), columns = w.size() / rows;
    const bool wide = rows <= columns;
    const std::size_t vectors = wide ? rows : columns, length = wide ? columns : rows;
    for (std::size_t a = 0; a < vectors; ++a)
      for (std::size_t b = 0; b < vectors; ++b) {
        double dot = 0;
        for (std::size_t i = 0; i < length; ++i)
          dot += wide ? w[a * columns + i] * w[b * columns + i]
                      : w[i * columns + a] * w[i * columns + b];
        EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-14);
      }
  }
}

TEST(Init, ASeedFixesTheWeightsInBothPrecisions) {
  Rng a(7), b(7), c(8);
  const auto wide = nn::init_weight({3, 4}, {}, a, DType::Float64).to_vector<double>();
  const auto narrow = nn::init_weight({3, 4}, {}, b, DType::Float32).to_vector<double>();
  for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_EQ(static_cast<float>(wide[i]), narrow[i]);
  EXPECT_NE(wide, nn::init_weight({3, 4}, {}, c, DType::Float64).to_vector<double>());
}

TEST(Init, Messages) {
  Rng rng(1);
  EXPECT_TRUE(contains(message_of([&] {
                         nn::init_weight({2, 2}, {nn::InitKind::Normal, 0.0}, rng, DType::Float32);
                       }),
                       "[init]", "standard deviation 0"));
  EXPECT_TRUE(contains(message_of([&] { nn::init_weight({4}, {}, rng, DType::Float32); }), "[init]",
                       "[4]"));
}

}  // namespace
}  // namespace rho
