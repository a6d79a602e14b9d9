// Log-softmax and the losses against their formulas in long double, far from overflow and near it.
#include "autograd/ops/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops/softmax.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::epsilon;
using testing::leaf;
using testing::message_of;
using testing::strided;
using testing::uniform;

Tensor labels(const std::vector<std::int64_t>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

/// log_softmax of each row, in long double.
std::vector<double> log_softmax_oracle(const Tensor& x) {
  const auto values = x.to_vector<double>();
  const auto columns = static_cast<std::size_t>(x.size(-1));
  std::vector<double> out;
  for (std::size_t r = 0; r + columns <= values.size(); r += columns) {
    long double largest = values[r], sum = 0;
    for (std::size_t c = 0; c < columns; ++c)
      largest = std::max<long double>(largest, values[r + c]);
    for (std::size_t c = 0; c < columns; ++c) sum += std::exp(values[r + c] - largest);
    for (std::size_t c = 0; c < columns; ++c)
      out.push_back(static_cast<double>(values[r + c] - largest - std::log(sum)));
  }
  return out;
}

TEST(Softmax, AgreesWithLongDouble) {
  for (const double range : {1.0, 50.0, 1e4}) {
    for (const Shape& shape : std::vector<Shape>{{4, 10}, {3, 1}, {2, 3, 4}, {6}, {500, 10}}) {
      const Tensor x = uniform(shape, 1, -range, range),
                   single = uniform<float>(shape, 1, -range, range);
      testing::expect_near(log_softmax(Variable(x)).value(), log_softmax_oracle(x),
                           4 * epsilon<double>());
      testing::expect_near(log_softmax(Variable(single)).value(), log_softmax_oracle(single),
                           4 * epsilon<float>());
      testing::expect_near(log_softmax(Variable(strided<double>(x))).value(), log_softmax_oracle(x),
                           4 * epsilon<double>());
    }
  }
  EXPECT_EQ(log_softmax(Variable(uniform({0, 3}))).numel(), 0);
}

TEST(Softmax, Derivatives) {
  for (const Shape& shape : std::vector<Shape>{{3, 4}, {2, 1}, {5}, {0, 2}}) {
    const auto f = [](const std::vector<Variable>& in) { return log_softmax(in[0]); };
    EXPECT_TRUE(gradcheck(f, {leaf(uniform(shape, 1, -2.0, 2.0))})) << shape;
    EXPECT_TRUE(gradgradcheck(f, {leaf(uniform(shape, 1, -2.0, 2.0))})) << shape;
  }
}

TEST(Losses, CrossEntropyAgreesWithLongDouble) {
  for (const double range : {1.0, 1e3}) {
    const Tensor x = uniform({4, 5}, 2, -range, range);
    const Tensor y = labels({0, 4, 2, 2});
    const auto log_p = log_softmax_oracle(x);
    double total = 0.0;
    for (std::size_t n = 0; n < 4; ++n)
      total -= log_p[n * 5 + static_cast<std::size_t>(y.to_vector<double>()[n])];
    EXPECT_NEAR(cross_entropy(Variable(x), y, Reduction::Sum).item(), total,
                8 * epsilon<double>() * total);
    EXPECT_NEAR(cross_entropy(Variable(x), y).item(), total / 4, 8 * epsilon<double>() * total);
    EXPECT_NEAR(cross_entropy(Variable(strided<double>(x)), y).item(), total / 4,
                8 * epsilon<double>() * total);
  }
}

TEST(Losses, SmallLossesKeepTheirDigits) {
  // log(1 + 9 e^-40): the difference of two close numbers unless it is computed as such.
  std::vector<float> values(10, 0.0F);
  values[3] = 40.0F;
  const Variable logits = leaf(Tensor::from(values, {1, 10}));
  const Variable loss = cross_entropy(logits, labels({3}));
  const double g = grad({loss}, {logits})[0].value().to_vector<double>()[3];
  EXPECT_NEAR(g / (-9.0 * std::exp(-40.0)), 1.0, 1e-5);
}

TEST(Losses, BinaryLossesAgreeWithTheirFormulas) {
  const Tensor f = Tensor::from(std::vector<double>{-700.0, -1.0, 0.0, 2.0, 700.0}, {5});
  const Tensor y = Tensor::from(std::vector<double>{-1.0, 1.0, 1.0, -1.0, 1.0}, {5});
  const double logistic = std::log1p(std::exp(1.0)) + std::log(2.0) + std::log1p(std::exp(2.0));
  EXPECT_NEAR(logistic_loss(Variable(f), y, Reduction::Sum).item(), logistic, 1e-14);
  EXPECT_NEAR(logistic_loss(Variable(f), y).item(), logistic / 5, 1e-14);
  const Tensor wrong = Tensor::from(std::vector<double>{1.0, 1.0, 1.0, 1.0, 1.0}, {5});
  EXPECT_NEAR(logistic_loss(Variable(f), wrong, Reduction::Sum).item(),
              700.0 + std::log1p(std::exp(1.0)) + std::log(2.0) + std::log1p(std::exp(-2.0)),
              1e-12);
  EXPECT_NEAR(exponential_loss(Variable(f), y, Reduction::Sum).item(),
              std::exp(1.0) + 1.0 + std::exp(2.0), 1e-14);
}

TEST(Losses, MulticlassExponentialAndSquare) {
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 4, 0, -1, 3}, {2, 3});
  EXPECT_NEAR(multiclass_exponential_loss(Variable(x), labels({2, 0}), Reduction::Sum).item(),
              std::exp(-3.0) + std::exp(-2.0) + std::exp(-1.0) + std::exp(3.0), 1e-13);
  const Tensor target = Tensor::from(std::vector<double>{1, 1, 1, 1, 1, 1}, {2, 3});
  EXPECT_DOUBLE_EQ(square_loss(Variable(x), target).item(), (0 + 1 + 9 + 1 + 4 + 4) / 2.0);
  EXPECT_DOUBLE_EQ(square_loss(Variable(x), target, Reduction::Sum).item(), 19.0);
}

TEST(Losses, Derivatives) {
  const Tensor y = labels({1, 0, 2});
  const Tensor sign = Tensor::from(std::vector<double>{1.0, -1.0, 1.0}, {3});
  const std::vector<std::tuple<std::string, Shape, DifferentiableFunction>> cases{
      {"cross_entropy", {3, 4}, [&](const auto& in) { return cross_entropy(in[0], y); }},
      {"cross_entropy sum",
       {3, 4},
       [&](const auto& in) { return cross_entropy(in[0], y, Reduction::Sum); }},
      {"logistic", {3}, [&](const auto& in) { return logistic_loss(in[0], sign); }},
      {"exponential", {3}, [&](const auto& in) { return exponential_loss(in[0], sign); }},
      {"multiclass exponential",
       {3, 4},
       [&](const auto& in) { return multiclass_exponential_loss(in[0], y); }},
      {"square",
       {3, 4},
       [&](const auto& in) {
         return square_loss(in[0], uniform({3, 4}, 9));
       }},
  };
  for (const auto& [name, shape, f] : cases)
    for (const Tensor& x :
         {uniform(shape, 3, -2.0, 2.0), strided<double>(uniform(shape, 3, -2.0, 2.0))}) {
      EXPECT_TRUE(gradcheck(f, {leaf(x)})) << name << ": " << gradcheck(f, {leaf(x)}).message;
      EXPECT_TRUE(gradgradcheck(f, {leaf(x)}))
          << name << ": " << gradgradcheck(f, {leaf(x)}).message;
    }
}

TEST(Losses, NaNStaysNaN) {
  Tensor x = uniform({2, 3});
  x.data<double>()[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(cross_entropy(Variable(x), labels({0, 0})).item()));
}

TEST(Losses, Messages) {
  const Variable x(uniform({2, 3}));
  EXPECT_TRUE(contains(message_of([&] {
                         cross_entropy(x, labels({0, 3}));
                       }),
                       "[cross_entropy]", "label 3", "example 1", "0 to 2"));
  EXPECT_TRUE(contains(message_of([&] { cross_entropy(x, labels({0})); }), "[cross_entropy]",
                       "[2, 3]", "[1]"));
  EXPECT_TRUE(contains(message_of([&] { cross_entropy(x, uniform({2})); }), "int64", "float64"));
  EXPECT_TRUE(contains(message_of([] {
                         cross_entropy(Variable(uniform({0, 3})), labels({}));
                       }),
                       "[cross_entropy]", "no examples"));
  EXPECT_TRUE(contains(message_of([&] {
                         multiclass_exponential_loss(x, labels({-1, 0}));
                       }),
                       "label -1"));
  EXPECT_TRUE(contains(message_of([&] {
                         logistic_loss(x, uniform({2, 3}));
                       }),
                       "[logistic_loss]", "[2, 3]"));
  EXPECT_TRUE(contains(message_of([&] {
                         square_loss(x, uniform({3, 2}));
                       }),
                       "[square_loss]", "[3, 2]"));
  EXPECT_TRUE(
      contains(message_of([] { log_softmax(Variable(uniform({}))); }), "[log_softmax]", "[]"));
}

}  // namespace
}  // namespace rho
