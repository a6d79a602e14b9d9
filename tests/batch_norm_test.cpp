// Batch normalization against plain loops in double, and its derivatives in both modes.
#include "autograd/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
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

constexpr double kEps = 1e-5;

struct Expected {
  std::vector<double> y, mean, variance;
};
Expected oracle(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  const auto values = x.to_vector<double>();
  const auto g = gamma.to_vector<double>(), b = beta.to_vector<double>();
  const std::size_t channels = g.size(), rows = values.size() / channels;
  Expected out{values, std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t r = 0; r < rows; ++r) out.mean[c] += values[r * channels + c];
    out.mean[c] /= static_cast<double>(rows);
    for (std::size_t r = 0; r < rows; ++r)
      out.variance[c] += std::pow(values[r * channels + c] - out.mean[c], 2);
    out.variance[c] /= static_cast<double>(rows);
    for (std::size_t r = 0; r < rows; ++r)
      out.y[r * channels + c] =
          g[c] * (values[r * channels + c] - out.mean[c]) / std::sqrt(out.variance[c] + kEps) +
          b[c];
  }
  return out;
}

template <class T>
void expect_train(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
  const Expected expected = oracle(x, gamma, beta);
  const auto found = batch_norm_train(Variable(x), Variable(gamma), Variable(beta), kEps);
  // Sums are kept in double; the few operations that follow are in T, at values of order 1.
  testing::expect_near(found.y.value(), expected.y, 16 * epsilon<T>());
  testing::expect_near(found.mean, expected.mean, 4 * epsilon<T>());
  testing::expect_near(found.variance, expected.variance, 4 * epsilon<T>());
}

TEST(BatchNorm, TrainAgreesWithDouble) {
  for (const Shape& shape :
       std::vector<Shape>{{7, 3}, {1, 4}, {5, 1}, {2, 3, 4, 5}, {40, 30, 20, 2}}) {
    const Shape channels{shape.back()};
    expect_train<double>(uniform(shape, 1), uniform(channels, 2), uniform(channels, 3));
    expect_train<float>(uniform<float>(shape, 1), uniform<float>(channels, 2),
                        uniform<float>(channels, 3));
    expect_train<double>(strided<double>(uniform(shape, 1)), strided<double>(uniform(channels, 2)),
                         strided<double>(uniform(channels, 3)));
  }
}

TEST(BatchNorm, AFarMeanDoesNotCancelTheVariance) {
  const Tensor x = uniform({1000, 2}, 1, 1e6, 1e6 + 1.0);
  const auto found =
      batch_norm_train(Variable(x), Variable(uniform({2})), Variable(uniform({2})), kEps);
  for (const double variance : found.variance.to_vector<double>())
    EXPECT_NEAR(variance, 1.0 / 12.0, 0.01);
}

TEST(BatchNorm, EvalAppliesGivenStatistics) {
  const Tensor x = uniform({2, 3, 4}, 1), gamma = uniform({4}, 2), beta = uniform({4}, 3);
  const Expected own = oracle(x, gamma, beta);
  const Tensor mean = Tensor::from(own.mean, {4}), variance = Tensor::from(own.variance, {4});
  testing::expect_near(
      batch_norm_eval(Variable(x), Variable(gamma), Variable(beta), mean, variance, kEps).value(),
      own.y, 16 * epsilon<double>());
  const Variable empty(Tensor::empty({0, 4}, DType::Float64));
  EXPECT_EQ(batch_norm_eval(empty, Variable(gamma), Variable(beta), mean, variance, kEps).numel(),
            0);
}

TEST(BatchNorm, Derivatives) {
  const auto train = [](const std::vector<Variable>& in) {
    const Variable y = batch_norm_train(in[0], in[1], in[2], kEps).y;
    return y * y;  // the sum of y itself does not depend on x
  };
  const Tensor mean = uniform({2}, 8), variance = uniform({2}, 9, 0.5, 2.0);
  const auto eval = [&](const std::vector<Variable>& in) {
    const Variable y = batch_norm_eval(in[0], in[1], in[2], mean, variance, kEps);
    return y * y;
  };
  for (const DifferentiableFunction& f :
       {DifferentiableFunction(train), DifferentiableFunction(eval)})
    for (const Tensor& x :
         {uniform({4, 2}, 1), uniform({2, 2, 1, 2}, 2), strided<double>(uniform({4, 2}))}) {
      const std::vector<Variable> inputs{leaf(x), leaf(uniform({2}, 4)), leaf(uniform({2}, 5))};
      EXPECT_TRUE(gradcheck(f, inputs)) << gradcheck(f, inputs).message;
      EXPECT_TRUE(gradgradcheck(f, inputs)) << gradgradcheck(f, inputs).message;
    }
}

TEST(BatchNorm, SameBitsForAnyNumberOfThreads) {
  const int threads = kernels::threads();
  const Variable x = leaf(uniform<float>({64, 16, 16, 8}, 1));
  const Variable gamma = leaf(uniform<float>({8}, 2)), beta = leaf(uniform<float>({8}, 3));
  const auto run = [&](int count) {
    kernels::set_threads(count);
    const Variable y = batch_norm_train(x, gamma, beta, kEps).y;
    std::vector<double> all = y.value().to_vector<double>();
    for (const Variable& g : grad({y}, {x, gamma, beta}, {exp(y).detach()})) {
      const auto values = g.value().to_vector<double>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  EXPECT_EQ(run(1), run(3));
  kernels::set_threads(threads);
}

TEST(BatchNorm, Messages) {
  const Variable x(uniform({2, 3})), three(uniform({3})), four(uniform({4}));
  EXPECT_TRUE(contains(message_of([&] { batch_norm_train(x, four, three, kEps); }),
                       "[batch_norm_train]", "[2, 3]", "[4]"));
  EXPECT_TRUE(contains(
      message_of([&] { batch_norm_eval(x, three, three, three.value(), four.value(), kEps); }),
      "[batch_norm_eval]", "[2, 3]", "[4]"));
  EXPECT_TRUE(contains(message_of([&] {
                         batch_norm_train(Variable(uniform({0, 3})), three, three, kEps);
                       }),
                       "[batch_norm_train]", "[0, 3]"));
  EXPECT_TRUE(
      contains(message_of([&] { batch_norm_train(x, Variable(uniform<float>({3})), three, kEps); }),
               "float64", "float32"));
}

}  // namespace
}  // namespace rho
