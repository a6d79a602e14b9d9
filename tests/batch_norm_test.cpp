// Batch normalization against plain loops in double, its derivatives in both modes, and what is
// fused with it against the separate operations.
#include "autograd/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "kernels/batch_norm.h"
#include "kernels/cpu/caches.h"
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
  const auto count = static_cast<long double>(rows);
  for (std::size_t c = 0; c < channels; ++c) {
    // Wider sums: additions in double, one by one, err by more than what is checked.
    long double sum = 0.0L, squares = 0.0L;
    for (std::size_t r = 0; r < rows; ++r) sum += values[r * channels + c];
    for (std::size_t r = 0; r < rows; ++r)
      squares += std::pow(values[r * channels + c] - sum / count, 2);
    out.mean[c] = static_cast<double>(sum / count);
    out.variance[c] = static_cast<double>(squares / count);
    for (std::size_t r = 0; r < rows; ++r)
      out.y[r * channels + c] =
          g[c] * (values[r * channels + c] - out.mean[c]) / std::sqrt(out.variance[c] + kEps) +
          b[c];
  }
  return out;
}

struct Gradients {
  std::vector<double> x, gamma, beta;
};
/// Of the sum of g * batch norm of x (Ioffe and Szegedy 2015, section 3).
Gradients gradient_oracle(const Tensor& x, const Tensor& gamma, const std::vector<double>& g) {
  const std::size_t channels = static_cast<std::size_t>(gamma.numel()), rows = g.size() / channels;
  const Expected of = oracle(x, gamma, gamma);
  const auto values = x.to_vector<double>(), factor = gamma.to_vector<double>();
  Gradients out{g, std::vector<double>(channels), std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(of.variance[c] + kEps);
    const auto normalized = [&](std::size_t r) {
      return (values[r * channels + c] - of.mean[c]) / deviation;
    };
    for (std::size_t r = 0; r < rows; ++r) {
      out.beta[c] += g[r * channels + c];
      out.gamma[c] += g[r * channels + c] * normalized(r);
    }
    for (std::size_t r = 0; r < rows; ++r)
      out.x[r * channels + c] =
          factor[c] / deviation *
          (g[r * channels + c] -
           (out.beta[c] + normalized(r) * out.gamma[c]) / static_cast<double>(rows));
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

// Channels that fill vectors and that do not, rows of less and of more than a period of the tables,
// and more than one chunk of them.
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{{9000, 1},  {4100, 2}, {3000, 3}, {700, 15},
                                      {700, 16},  {500, 24}, {400, 34}, {2, 64},
                                      {300, 100}, {77, 333}, {70, 600}, {5, 1001}};
  return all;
}

template <class T>
void expect_gradients(const Shape& shape) {
  const std::int64_t channels = shape.back(), rows = numel(shape) / channels;
  const Tensor x = uniform<T>(shape, 1), residual = uniform<T>(shape, 4), g = uniform<T>(shape, 5);
  const Tensor gamma = uniform<T>({channels}, 2), beta = uniform<T>({channels}, 3);
  expect_train<T>(x, gamma, beta);
  for (const bool relu : {false, true})
    for (const bool with_residual : {false, true}) {
      std::vector<Variable> in{leaf(x), leaf(gamma), leaf(beta)};
      Epilogue then{.relu = relu};
      if (with_residual) in.push_back(then.residual = leaf(residual));
      const Variable y = batch_norm_train(in[0], in[1], in[2], kEps, then).y;
      const std::vector<Variable> found = grad({y}, in, {Variable(g)});
      std::vector<double> masked = g.to_vector<double>();
      const std::vector<double> out = y.value().to_vector<double>();
      for (std::size_t i = 0; i < masked.size(); ++i)
        if (relu && !(out[i] > 0)) masked[i] = 0;
      const Gradients expected = gradient_oracle(x, gamma, masked);
      // Terms are of order 1, times 1 / deviation; each is rounded to T a few times. The sums' own
      // additions are in double.
      const std::vector<double> variances = oracle(x, gamma, beta).variance;
      const double deviation =
          std::sqrt(*std::min_element(variances.begin(), variances.end()) + kEps);
      const double tolerance = 16 * epsilon<T>() / std::min(1.0, deviation);
      testing::expect_near(found[0].value(), expected.x, tolerance, "x");
      testing::expect_near(found[1].value(), expected.gamma, static_cast<double>(rows) * tolerance,
                           "gamma");
      testing::expect_near(found[2].value(), expected.beta,
                           static_cast<double>(rows) * epsilon<double>() + epsilon<T>(), "beta");
      if (with_residual) testing::expect_near(found[3].value(), masked, 0.0, "residual");
    }
}

TEST(BatchNorm, GradientsAgreeWithDouble) {
  for (const Shape& shape : shapes()) {
    SCOPED_TRACE(::testing::Message() << shape);
    expect_gradients<double>(shape);
    expect_gradients<float>(shape);
  }
}

// Results that no cache would hold are stored another way, those on lines of memory and those not.
TEST(BatchNorm, LargeResults) {
  for (const std::int64_t channels : {16, 25}) {
    const std::int64_t rows = 2 * kernels::cpu::caches().second / (channels * 4) + 100;
    const Shape of_channels{channels};
    expect_train<float>(uniform<float>({rows, channels}, 1), uniform<float>(of_channels, 2),
                        uniform<float>(of_channels, 3));
    expect_gradients<float>({rows, channels});
  }
}

/// The values of y and of all gradients.
std::vector<double> everything(const Variable& y, const std::vector<Variable>& in,
                               const Tensor& grad_y) {
  std::vector<double> all = y.value().to_vector<double>();
  for (const Variable& g : grad({y}, in, {Variable(grad_y)})) {
    const auto values = g.value().to_vector<double>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

template <class T>
void expect_fused_is_separate(const Shape& shape, bool nan) {
  const Shape channels{shape.back()};
  Tensor x = uniform<T>(shape, 1), residual = uniform<T>(shape, 4);
  if (nan) {
    x.data<T>()[0] = std::numeric_limits<T>::quiet_NaN();
    residual.data<T>()[residual.numel() - 1] = std::numeric_limits<T>::quiet_NaN();
  }
  const std::vector<Variable> in{leaf(testing::strided<T>(x)), leaf(uniform<T>(channels, 2)),
                                 leaf(uniform<T>(channels, 3)),
                                 leaf(testing::strided<T>(residual))};
  const Tensor mean = uniform<T>(channels, 5), variance = uniform<T>(channels, 6, 0.5, 2.0);
  for (const bool training : {true, false})
    for (const bool relu : {true, false})
      for (const bool with_residual : {true, false}) {
        const auto norm = [&](const Epilogue& then) {
          return training ? batch_norm_train(in[0], in[1], in[2], kEps, then).y
                          : batch_norm_eval(in[0], in[1], in[2], mean, variance, kEps, then);
        };
        const Epilogue then{with_residual ? in[3] : Variable(), relu};
        const std::vector<Variable> by(in.begin(), in.end() - (with_residual ? 0 : 1));
        const Tensor g = testing::strided<T>(uniform<T>(shape, 7));
        const std::vector<double> expected = everything(apply(then, norm({})), by, g);
        testing::expect_near(Tensor::from(everything(norm(then), by, g),
                                          {static_cast<std::int64_t>(expected.size())}),
                             expected, 0.0);
      }
}

// A NaN of x is in all of its channel in training, a NaN of the residual in its own element, and
// the rectifier passes no gradient where y is NaN.
TEST(BatchNorm, FusedIsSeparateToTheBit) {
  for (const Shape& shape : shapes())
    for (const bool nan : {false, true}) {
      SCOPED_TRACE(::testing::Message() << shape << (nan ? " with NaN" : ""));
      expect_fused_is_separate<double>(shape, nan);
      expect_fused_is_separate<float>(shape, nan);
    }
}

TEST(BatchNorm, NaNStaysWhereItIs) {
  const Tensor x = uniform({3, 2}, 1), residual = uniform({3, 2}, 2);
  x.data<double>()[2] = std::nan("");
  residual.data<double>()[5] = std::nan("");
  const Variable one(uniform({2}));
  const Variable y = batch_norm_train(Variable(x), one, one, kEps, {Variable(residual), true}).y;
  const auto values = y.value().to_vector<double>();
  for (const std::size_t i : {0U, 2U, 4U, 5U}) EXPECT_TRUE(std::isnan(values[i])) << i;
  for (const std::size_t i : {1U, 3U}) EXPECT_FALSE(std::isnan(values[i])) << i;
}

TEST(BatchNorm, AFarMeanDoesNotCancelTheVariance) {
  const Tensor x = uniform({1000, 2}, 1, 1e6, 1e6 + 1.0);
  const auto found =
      batch_norm_train(Variable(x), Variable(uniform({2})), Variable(uniform({2})), kEps);
  for (const double variance : found.variance.to_vector<double>())
    EXPECT_NEAR(variance, 1.0 / 12.0, 0.01);
  // Over many chunks, too: the means of two are known to eps times their size, and no term is
  // larger than their difference times that.
  const Tensor many = uniform({50000, 3}, 2, 1e6, 1e6 + 1.0);
  const Tensor unit(uniform({3}));
  testing::expect_near(
      batch_norm_train(Variable(many), Variable(unit), Variable(unit), kEps).variance,
      oracle(many, unit, unit).variance, 1e6 * epsilon<double>());
}

// Deviations are taken from the first of n rows: n times what is left of their squares cancels, and
// no more, also where that row is what deviates.
TEST(BatchNorm, AnOutlierInTheFirstRowDoesNotCancelTheVariance) {
  const Tensor x = uniform({1000, 2}, 1), unit(uniform({2}));
  std::fill_n(x.data<double>(), 2, 1e6);
  const std::vector<double> expected = oracle(x, unit, unit).variance;
  testing::expect_near(batch_norm_train(Variable(x), Variable(unit), Variable(unit), kEps).variance,
                       expected, 1000 * 16 * epsilon<double>() * expected[0]);
}

// The last pass writes over the rectifier's output, which nobody else sees; those before it do not.
TEST(BatchNorm, PassesThatKeepTheGraphAgreeWithTheOneThatReleasesIt) {
  const std::vector<Variable> inputs{leaf(uniform({64, 4}, 1)), leaf(uniform({4}, 2)),
                                     leaf(uniform({4}, 3)), leaf(uniform({64, 4}, 4))};
  const auto output = [&] {
    return batch_norm_train(inputs[0], inputs[1], inputs[2], kEps, {inputs[3], true}).y;
  };
  const Variable unseen = sum(output());
  const Variable seen = output();
  const std::vector<double> before = seen.value().to_vector<double>();
  for (const Variable& y : {unseen, sum(seen)}) {
    const auto gradients = [&](bool retain) {
      std::vector<double> all;
      for (const Variable& g : grad({y}, inputs, {}, {.retain_graph = retain}))
        for (const double value : g.value().to_vector<double>()) all.push_back(value);
      return all;
    };
    const std::vector<double> kept = gradients(true);
    EXPECT_EQ(gradients(true), kept);
    EXPECT_EQ(gradients(false), kept);
  }
  EXPECT_EQ(seen.value().to_vector<double>(), before);
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

template <class T>
void expect_followed() {
  const auto pair = [](std::uint64_t seed) {
    return kernels::MeanAndVariance{uniform<T>({5}, seed), uniform<T>({5}, seed + 1, 0.1, 2.0)};
  };
  const kernels::MeanAndVariance running = pair(1), found = pair(3), next = pair(5);
  const auto expected = [](const Tensor& at, const Tensor& to, double step) {
    std::vector<double> out = at.to_vector<double>();
    const std::vector<double> towards = to.to_vector<double>();
    for (std::size_t c = 0; c < out.size(); ++c) out[c] = 0.9 * out[c] + step * towards[c];
    return out;
  };
  const std::vector<double> mean = expected(running.mean, found.mean, 0.1),
                            variance = expected(running.variance, found.variance, 0.1 * 1.25);
  kernels::follow_statistics(running, found, 0.1, 1.25, next);
  testing::expect_near(next.mean, mean, epsilon<T>());
  testing::expect_near(next.variance, variance, epsilon<T>());
  kernels::follow_statistics(running, found, 0.1, 1.25, running);
  EXPECT_EQ(running.mean.template to_vector<double>(), next.mean.template to_vector<double>());
  EXPECT_EQ(running.variance.template to_vector<double>(),
            next.variance.template to_vector<double>());
}

TEST(BatchNorm, RunningStatisticsFollowThoseOfBatches) {
  expect_followed<float>();
  expect_followed<double>();
}

template <class T>
void expect_folded(const Shape& weight, bool with_bias, bool with_graph) {
  SCOPED_TRACE(::testing::Message() << weight << " bias " << with_bias << " graph " << with_graph);
  const Shape channels{weight[0]};
  const auto vector = [&](std::uint64_t seed, double low = -1.0) {
    return uniform<T>(channels, seed, low, 2.0);
  };
  const Tensor w = uniform<T>(weight, 1), gamma = vector(2), beta = vector(3), mean = vector(4),
               variance = vector(5, 0.1), bias = vector(6);
  const GradMode mode(with_graph);
  const AffineMap found = fold_batch_norm({leaf(w), with_bias ? leaf(bias) : Variable()},
                                          leaf(gamma), leaf(beta), mean, variance, kEps);
  EXPECT_EQ(found.weight.requires_grad(), with_graph);
  EXPECT_EQ(found.weight.shape(), weight);
  const auto values = [](const Tensor& t) { return t.to_vector<double>(); };
  std::vector<double> expected = values(w), shift(static_cast<std::size_t>(weight[0]));
  for (std::size_t o = 0; o < shift.size(); ++o) {
    const double s = values(gamma)[o] / std::sqrt(values(variance)[o] + kEps);
    const std::size_t columns = expected.size() / shift.size();
    for (std::size_t k = 0; k < columns; ++k) expected[o * columns + k] *= s;
    shift[o] = values(beta)[o] + s * ((with_bias ? values(bias)[o] : 0.0) - values(mean)[o]);
  }
  // |s| <= 2 / sqrt(0.1) and |bias - mean| <= 3: five roundings of numbers below 21.
  testing::expect_near(found.weight.value(), expected, 5 * 7 * epsilon<T>());
  testing::expect_near(found.bias.value(), shift, 5 * 21 * epsilon<T>());
}

TEST(BatchNorm, FoldsIntoTheMapBeforeIt) {
  for (const Shape& weight : {Shape{3, 5}, Shape{17, 3, 3, 2}, Shape{1, 1}, Shape{0, 4}, Shape{4}})
    for (const bool with_bias : {false, true})
      for (const bool with_graph : {false, true}) {
        expect_folded<float>(weight, with_bias, with_graph);
        expect_folded<double>(weight, with_bias, with_graph);
      }
}

TEST(BatchNorm, DerivativesOfAFold) {
  const Tensor mean = uniform({3}, 8), variance = uniform({3}, 9, 0.5, 2.0);
  const std::vector<Variable> inputs{leaf(uniform({3, 2, 2}, 1)), leaf(uniform({3}, 2)),
                                     leaf(uniform({3}, 3)), leaf(uniform({3}, 4))};
  const auto f = [&](const std::vector<Variable>& in) {
    const AffineMap map = fold_batch_norm({in[0], in[1]}, in[2], in[3], mean, variance, kEps);
    return reshape(map.weight, {3, 4}) * reshape(map.bias, {3, 1});
  };
  EXPECT_TRUE(gradcheck(f, inputs)) << gradcheck(f, inputs).message;
  EXPECT_TRUE(gradgradcheck(f, inputs)) << gradgradcheck(f, inputs).message;
}

TEST(BatchNorm, Derivatives) {
  const Tensor mean = uniform({2}, 8), variance = uniform({2}, 9, 0.5, 2.0);
  for (const bool training : {true, false})
    for (const bool relu : {true, false})
      for (const bool with_residual : {true, false})
        for (const Tensor& x :
             {uniform({4, 2}, 1), uniform({2, 2, 1, 2}, 2), strided<double>(uniform({4, 2}))}) {
          const auto f = [&](const std::vector<Variable>& in) {
            const Epilogue then{with_residual ? in[3] : Variable(), relu};
            const Variable y =
                training ? batch_norm_train(in[0], in[1], in[2], kEps, then).y
                         : batch_norm_eval(in[0], in[1], in[2], mean, variance, kEps, then);
            return y * y;  // the sum of y itself does not depend on x
          };
          std::vector<Variable> inputs{leaf(x), leaf(uniform({2}, 4)), leaf(uniform({2}, 5))};
          if (with_residual) inputs.push_back(leaf(uniform(x.shape(), 6)));
          EXPECT_TRUE(gradcheck(f, inputs)) << gradcheck(f, inputs).message;
          EXPECT_TRUE(gradgradcheck(f, inputs)) << gradgradcheck(f, inputs).message;
        }
}

// A residual that is computed from x, one that is x itself, and one without a gradient.
TEST(BatchNorm, DerivativesWhereTheResidualDependsOnX) {
  const std::vector<Variable> inputs{leaf(uniform({4, 2}, 1)), leaf(uniform({2}, 4)),
                                     leaf(uniform({2}, 5))};
  const Variable constant(uniform({4, 2}, 6));
  for (const std::function<Variable(const Variable&)>& residual :
       std::vector<std::function<Variable(const Variable&)>>{
           [](const Variable& x) { return scale(x, 0.5); }, [](const Variable& x) { return x; },
           [&](const Variable&) { return constant; }}) {
    const auto f = [&](const std::vector<Variable>& in) {
      const Variable y = batch_norm_train(in[0], in[1], in[2], kEps, {residual(in[0]), true}).y;
      return y * y;
    };
    EXPECT_TRUE(gradcheck(f, inputs)) << gradcheck(f, inputs).message;
    EXPECT_TRUE(gradgradcheck(f, inputs)) << gradgradcheck(f, inputs).message;
  }
}

TEST(BatchNorm, SameBitsForAnyNumberOfThreads) {
  const int threads = kernels::threads();
  const Shape shape{64, 16, 16, 8};
  const std::vector<Variable> in{leaf(uniform<float>(shape, 1)), leaf(uniform<float>({8}, 2)),
                                 leaf(uniform<float>({8}, 3)), leaf(uniform<float>(shape, 4))};
  const Tensor g = uniform<float>(shape, 5);
  for (const Epilogue& then :
       {Epilogue{}, Epilogue{.relu = true}, Epilogue{.residual = in[3], .relu = true}}) {
    const auto run = [&](int count) {
      kernels::set_threads(count);
      const std::vector<Variable> by(in.begin(), in.end() - (then.residual.defined() ? 0 : 1));
      return everything(batch_norm_train(in[0], in[1], in[2], kEps, then).y, by, g);
    };
    const std::vector<double> alone = run(1);
    EXPECT_EQ(alone, run(2));
    EXPECT_EQ(alone, run(3));
  }
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
  const auto with_residual = [&](const Tensor& residual) {
    const Epilogue then{.residual = Variable(residual)};
    return message_of([&] { batch_norm_train(x, three, three, kEps, then); }) + message_of([&] {
             batch_norm_eval(x, three, three, three.value(), three.value(), kEps, then);
           });
  };
  EXPECT_TRUE(contains(with_residual(uniform({3})), "[batch_norm_train]", "[batch_norm_eval]",
                       "residual", "[2, 3]", "[3]"));
  EXPECT_TRUE(contains(with_residual(uniform<float>({2, 3})), "float64", "float32"));
  EXPECT_TRUE(
      contains(message_of([&] { apply({.residual = three}, x); }), "[epilogue]", "[2, 3]", "[3]"));
  const auto follow = [](const Tensor& running, const Tensor& found) {
    return message_of([&] {
      kernels::follow_statistics({running, running}, {running, found}, 0.1, 1.0,
                                 {running, running});
    });
  };
  EXPECT_TRUE(contains(follow(uniform({3}), uniform({4})), "[follow_statistics]", "[3]", "[4]"));
  EXPECT_TRUE(contains(follow(uniform({3}), uniform<float>({3})), "float64", "float32"));
  EXPECT_TRUE(contains(follow(uniform({2, 3}), uniform({2, 3})), "[C]", "[2, 3]"));
  for (const bool with_graph : {false, true}) {
    const GradMode mode(with_graph);
    const auto fold = [&](const Variable& gamma) {
      return message_of([&] {
        fold_batch_norm({x, {}}, gamma, gamma, gamma.value(), gamma.value(), kEps);
      });
    };
    EXPECT_TRUE(contains(fold(three), "[fold_batch_norm]", "[2, 3]", "[3]"));
    EXPECT_TRUE(contains(fold(Variable(uniform({1}))), "[fold_batch_norm]", "[2, 3]", "[1]"));
    EXPECT_TRUE(contains(fold(Variable(uniform<float>({2}))), "float64", "float32"));
  }
}

}  // namespace
}  // namespace rho
