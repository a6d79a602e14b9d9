// Two gradients at once against one after the other, each of which is checked against sums in
// double elsewhere; and the passes that put a convolution's off.
#include "kernels/conv2d_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/batch_norm.h"
#include "autograd/ops/conv2d.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "kernels/arithmetic.h"
#include "kernels/bias_relu_grad.h"
#include "kernels/cpu/caches.h"
#include "kernels/threads.h"
#include "tensor/profile.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::BatchNormArguments;
using kernels::BatchNormGradients;
using kernels::Conv2dOptions;
using kernels::InputGradient;
using testing::contains;
using testing::leaf;
using testing::message_of;
using testing::uniform;

struct Case {
  Shape x, w;
  Conv2dOptions options;

  Shape y() const { return kernels::conv2d_shape(x, w, options); }
  Shape rows() const { return {numel(x) / x[3], x[3]}; }
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "x " << c.x << ", w " << c.w << ", stride " << c.options.stride_h;
}

/// By Winograd's algorithm: stretches that end inside the last images, channels that fill no
/// vector, a row of tiles that is longer than a stretch; strides and phases.
const std::vector<Case>& passing() {
  static const std::vector<Case> all{{{4, 13, 15, 16}, {8, 3, 3, 16}, {.pad_h = 1, .pad_w = 1}},
                                     {{2, 22, 27, 9}, {8, 3, 3, 9}, {}},
                                     {{1, 9, 130, 32}, {8, 3, 3, 32}, {.pad_h = 1, .pad_w = 1}},
                                     {{4, 34, 31, 16}, {8, 3, 3, 16}, {2, 2, 1, 1}},
                                     {{8, 12, 12, 8}, {8, 5, 5, 8}, {.pad_h = 2, .pad_w = 2}},
                                     {{3, 42, 37, 10}, {8, 5, 5, 10}, {2, 2, 2, 1}}};
  return all;
}
/// More than what is stored in the caches.
Case large() {
  const std::int64_t images = 2 * kernels::cpu::caches().second / (16 * 64 * 4) + 1;
  return {{images, 8, 8, 16}, {8, 3, 3, 16}, {.pad_h = 1, .pad_w = 1}};
}
/// One operation after the other.
const std::vector<Case>& in_turn() {
  static const std::vector<Case> all{
      {{2, 6, 5, 6}, {10, 3, 3, 3}, {.stride_h = 2, .pad_h = 1, .groups = 2}},
      {{3, 4, 5, 6}, {7, 1, 1, 6}, {}},
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {}}};
  return all;
}

/// What else reaches the input: nothing, a gradient that somebody still needs, or one whose memory
/// the result may have.
enum class Rest { None, Kept, Spent };
std::ostream& operator<<(std::ostream& out, Rest rest) {
  return out << (rest == Rest::None ? "no rest" : rest == Rest::Kept ? "a rest" : "over the rest");
}

/// The ingredients of both operations at a case's shapes.
template <class T>
struct Operands {
  Case c;
  Rest kind;
  InputGradient gradient;
  Tensor gy = uniform<T>(c.y(), 1), w = uniform<T>(c.w, 2), rest, x = uniform<T>(c.rows(), 3),
         y = uniform<T>(c.rows(), 4);

  Operands(const Case& of, Rest rest_kind) : c(of), kind(rest_kind) {
    if (kind != Rest::None) rest = uniform<T>(c.rows(), 5);
    gradient = {gy, w, c.options, c.x, rest};
  }
  Tensor result() const { return kind == Rest::Spent ? rest : uniform<T>(c.rows(), 6); }
  Tensor of_channels(std::uint64_t stream, double low = -1.0) const {
    return uniform<T>({c.x[3]}, stream, low, 1.0);
  }
  /// The gradient, with separate operations.
  Tensor whole() const {
    const Tensor g = uniform<T>(c.x, 7);
    kernels::conv2d_input_grad(gy, w, c.options, g);
    if (rest.defined()) kernels::add(g, rest.view(c.x), g);
    return g.view(c.rows());
  }
};

/// Of sums of R terms in double, in another order and rounded once, and what is computed from them.
template <class T>
void expect_sums_near(const Tensor& found, const Tensor& expected, std::int64_t rows) {
  const auto terms = static_cast<double>(rows);
  // No term is more than 64: a gradient of order 1, times a centred x of at most 2.
  const double rounding = 64.0 * terms * terms * testing::epsilon<double>();
  const auto a = found.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t c = 0; c < a.size(); ++c)
    EXPECT_TRUE(std::abs(a[c] - b[c]) <= rounding + testing::epsilon<T>() * std::abs(b[c]))
        << "channel " << c << ": " << a[c] << ", expected " << b[c];
}

template <class T>
void expect_batch_norm_is_separate(const Case& c, Rest kind, bool relu, bool residual) {
  SCOPED_TRACE(::testing::Message()
               << c << ", " << kind << (relu ? ", relu" : "") << (residual ? ", residual" : ""));
  const auto arguments = [&](const Operands<T>& of) {
    return BatchNormArguments{of.of_channels(8),
                              of.of_channels(9, 0.5),
                              of.of_channels(10),
                              of.of_channels(11),
                              1e-5,
                              relu};
  };
  const auto results = [&](const Operands<T>& of, const Tensor& g) {
    const bool masked = relu && residual;
    return BatchNormGradients{masked ? uniform<T>(c.rows(), 12) : g, of.of_channels(13),
                              of.of_channels(14), masked ? g : Tensor()};
  };
  const Operands<T> apart(c, kind);
  const Tensor whole = apart.whole();
  const BatchNormGradients expected = results(apart, uniform<T>(c.rows(), 6));
  kernels::batch_norm_grad(apart.x, arguments(apart), apart.y, whole, expected);
  const int before = kernels::threads();
  std::vector<BatchNormGradients> found;
  for (const int threads : {1, 3}) {
    kernels::set_threads(threads);
    const Operands<T> of(c, kind);
    found.push_back(results(of, of.result()));
    kernels::conv2d_batch_norm_grad(of.gradient, of.x, arguments(of), of.y, found.back());
    if (kind == Rest::Kept) {
      EXPECT_EQ(of.rest.template to_vector<T>(), apart.rest.template to_vector<T>());
    }
  }
  kernels::set_threads(before);
  if (relu && residual) {
    EXPECT_EQ(found[0].residual.to_vector<T>(), expected.residual.to_vector<T>());
  }
  expect_sums_near<T>(found[0].beta, expected.beta, c.rows()[0]);
  expect_sums_near<T>(found[0].gamma, expected.gamma, c.rows()[0]);
  // Of the mean gradients, rounded to T, at most one rounding each is different; factors and
  // normalized x are less than 3.
  testing::expect_near(found[0].x, expected.x.to_vector<double>(), 64 * testing::epsilon<T>());
  const auto same = [](const Tensor& a, const Tensor& b) {
    return !a.defined() || a.to_vector<T>() == b.to_vector<T>();
  };
  EXPECT_TRUE(same(found[1].x, found[0].x) && same(found[1].gamma, found[0].gamma) &&
              same(found[1].beta, found[0].beta) && same(found[1].residual, found[0].residual));
}

/// Calls check(c, kind) with what can be done in one pass, and check_in_turn(c, kind) with the
/// rest.
void for_each_case(const auto& check, const auto& check_in_turn) {
  const bool one_pass = default_device().type == DeviceType::CPU;
  for (const Rest kind : {Rest::None, Rest::Kept, Rest::Spent}) {
    for (const Case& c : in_turn()) check_in_turn(c, kind);
    if (!one_pass) continue;
    for (const Case& c : passing()) check(c, kind);
  }
  if (one_pass) check(large(), Rest::None);
}

TEST(Conv2dChain, BatchNormIsSeparate) {
  const auto check = [](const Case& c, Rest kind) {
    for (const auto& [relu, residual] :
         {std::pair(false, false), std::pair(true, false), std::pair(true, true)})
      expect_batch_norm_is_separate<float>(c, kind, relu, residual);
  };
  for_each_case(check, [&](const Case& c, Rest kind) {
    check(c, kind);
    expect_batch_norm_is_separate<double>(c, kind, true, true);
  });
}

template <class T>
void expect_bias_relu_is_separate(const Case& c, Rest kind) {
  SCOPED_TRACE(::testing::Message() << c << ", " << kind);
  const Operands<T> apart(c, kind);
  const Tensor whole = apart.whole(), bias = apart.of_channels(8);
  kernels::bias_relu_grad(apart.y, whole, whole, bias);
  const int before = kernels::threads();
  std::vector<std::pair<Tensor, Tensor>> found;
  for (const int threads : {1, 3}) {
    kernels::set_threads(threads);
    const Operands<T> of(c, kind);
    found.emplace_back(of.result(), of.of_channels(9));
    kernels::conv2d_bias_relu_grad(of.gradient, of.y, found.back().first, found.back().second);
    if (kind == Rest::Kept) {
      EXPECT_EQ(of.rest.template to_vector<T>(), apart.rest.template to_vector<T>());
    }
  }
  kernels::set_threads(before);
  EXPECT_EQ(found[0].first.to_vector<T>(), whole.to_vector<T>());
  expect_sums_near<T>(found[0].second, bias, c.rows()[0]);
  EXPECT_EQ(found[1].first.to_vector<T>(), found[0].first.to_vector<T>());
  EXPECT_EQ(found[1].second.to_vector<T>(), found[0].second.to_vector<T>());
}

TEST(Conv2dChain, BiasAndReluAreSeparate) {
  const auto check = [](const Case& c, Rest kind) { expect_bias_relu_is_separate<float>(c, kind); };
  for_each_case(check, [&](const Case& c, Rest kind) {
    check(c, kind);
    expect_bias_relu_is_separate<double>(c, kind);
  });
}

TEST(Conv2dChain, NaNStaysWhereItIs) {
  const Case c{{4, 16, 16, 16}, {16, 3, 3, 16}, {.pad_h = 1, .pad_w = 1}};
  const Operands<float> of(c, Rest::Spent);
  std::vector<float> values = of.rest.to_vector<float>();
  const std::vector<float> y = of.y.to_vector<float>();
  const auto first = static_cast<std::size_t>(
      std::find_if(y.begin(), y.end(), [](float v) { return v > 0.0F; }) - y.begin());
  values[first] = std::nanf("");
  const Tensor rest = Tensor::from(values, c.rows());
  const Tensor bias = of.of_channels(8);
  kernels::conv2d_bias_relu_grad({of.gy, of.w, c.options, c.x, rest}, of.y, rest, bias);
  const std::vector<float> found = rest.to_vector<float>(), sums = bias.to_vector<float>();
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::isnan(found[i]), i == first) << i;
  for (std::size_t i = 0; i < sums.size(); ++i)
    EXPECT_EQ(std::isnan(sums[i]), i == first % sums.size()) << i;
}

TEST(Conv2dChain, ErrorsNameWhatIsWrong) {
  const Case c{{4, 16, 16, 16}, {16, 3, 3, 16}, {.pad_h = 1, .pad_w = 1}};
  const Operands<float> of(c, Rest::None);
  const auto message = [&](const InputGradient& gradient, const Tensor& y, const Tensor& to) {
    const Tensor bias = of.of_channels(8);
    return message_of([&] { kernels::conv2d_bias_relu_grad(gradient, y, to, bias); });
  };
  InputGradient wrong = of.gradient;
  wrong.grad_y = uniform<float>({4, 16, 15, 16});
  EXPECT_TRUE(contains(message(wrong, of.y, of.result()), "conv2d", "[4, 16, 15, 16]"));
  wrong = of.gradient;
  wrong.rest = uniform<double>(c.rows());
  EXPECT_TRUE(contains(message(wrong, of.y, of.result()), "float64", "float32"));
  EXPECT_TRUE(contains(message(of.gradient, uniform<float>({3, 16}), of.result()), "bias_relu_grad",
                       "[3, 16]"));
}

/// Two residual blocks of which the second has no normalization, as a loss of what is asked for.
struct Network {
  Variable x, w1, w2, w3, gamma, beta;

  template <class T>
  static Network make() {
    return {leaf(uniform<T>({6, 16, 12, 8}, 1)), leaf(uniform<T>({8, 3, 3, 8}, 2)),
            leaf(uniform<T>({8, 3, 3, 8}, 3)),   leaf(uniform<T>({8, 3, 3, 8}, 4)),
            leaf(uniform<T>({8}, 5, 0.5, 1.5)),  leaf(uniform<T>({8}, 6))};
  }
  std::vector<Variable> leaves() const { return {x, w1, w2, w3, gamma, beta}; }

  struct Values {
    Variable a, b, c, loss;
  };
  Values forward() const {
    const Conv2dOptions same{.pad_h = 1, .pad_w = 1};
    Values v;
    v.a = batch_norm_train(conv2d(x, w1, same), gamma, beta, 1e-5, {{}, true}).y;
    v.b = batch_norm_train(conv2d(v.a, w2, same), gamma, beta, 1e-5, {v.a, true}).y;
    v.c = conv2d(v.b, w3, same, beta, {v.b, true});
    v.loss = sum(conv2d(v.c, w1, same, gamma, {{}, true}) * 0.01);
    return v;
  }
};

std::vector<std::vector<double>> numbers(const std::vector<Variable>& grads) {
  std::vector<std::vector<double>> out;
  for (const Variable& g : grads) out.push_back(g.value().to_vector<double>());
  return out;
}

template <class T>
void expect_every_pass_agrees(double tolerance) {
  const Network network = Network::make<T>();
  const auto put_off = numbers(grad({network.forward().loss}, network.leaves()));
  // Gradients that are asked for are not put off.
  const Network::Values v = network.forward();
  std::vector<Variable> all = network.leaves();
  for (const Variable& between : {v.a, v.b, v.c}) all.push_back(between);
  const auto asked_for = numbers(grad({v.loss}, all));
  // Nor are those whose graph is recorded, which are made of other operations.
  const auto recorded =
      numbers(grad({network.forward().loss}, all = network.leaves(), {}, {.create_graph = true}));
  for (std::size_t i = 0; i < put_off.size(); ++i) {
    double largest = 0.0;
    for (const double value : recorded[i]) largest = std::max(largest, std::abs(value));
    for (std::size_t k = 0; k < put_off[i].size(); ++k) {
      EXPECT_TRUE(std::abs(put_off[i][k] - recorded[i][k]) <= tolerance * largest)
          << i << ' ' << k << ": " << put_off[i][k] << ", expected " << recorded[i][k];
      EXPECT_TRUE(std::abs(put_off[i][k] - asked_for[i][k]) <= tolerance * largest)
          << i << ' ' << k << ": " << put_off[i][k] << ", expected " << asked_for[i][k];
    }
  }
  for (const Variable& l : network.leaves()) EXPECT_FALSE(l.grad().defined());
  network.forward().loss.backward();
  std::vector<Variable> accumulated;
  for (const Variable& l : network.leaves()) accumulated.push_back(l.grad());
  EXPECT_EQ(numbers(accumulated), put_off);
}

// Winograd's error, 2e-6 of a layer's result in norm, through four layers, in an element.
TEST(Conv2dChain, EveryPassAgrees) {
  expect_every_pass_agrees<float>(2e-4);
  expect_every_pass_agrees<double>(1e-12);
}

TEST(Conv2dChain, OnlyWhatMadeAnInputTakesItsGradientOver) {
  const Network network = Network::make<float>();
  const Variable loss = network.forward().loss;
  Profile profile;
  {
    const Recording recording(&profile);
    grad({loss}, network.leaves());
  }
  const auto spans = [&](std::string_view name) {
    return std::count_if(profile.spans().begin(), profile.spans().end(), [&](const Span& span) {
      return span.kind == SpanKind::Kernel && span.name == name;
    });
  };
  EXPECT_EQ(spans("conv2d_batch_norm_grad"), 2);
  EXPECT_EQ(spans("conv2d_bias_relu_grad"), 1);
  // That of x, which is a leaf.
  const auto apart =
      std::count_if(profile.spans().begin(), profile.spans().end(), [&](const Span& span) {
        return span.name == "conv2d_input_grad" && profile.spans()[span.parent].name == "conv2d";
      });
  EXPECT_EQ(apart, 1);
}

// A gradient that is put off twice, for two convolutions of one input; and one that is a view.
TEST(Conv2dChain, SeveralUsersOfAnInput) {
  const Network n = Network::make<double>();
  const Conv2dOptions same{.pad_h = 1, .pad_w = 1};
  const auto loss = [&] {
    const Variable a = batch_norm_train(n.x, n.gamma, n.beta, 1e-5, {{}, true}).y;
    const Variable both = conv2d(a, n.w1, same) + conv2d(a, n.w2, same);
    return sum(both * both) + sum(a) + sum(relu(conv2d(a, n.w3, same)));
  };
  const auto leaves = n.leaves();
  const auto fast = numbers(grad({loss()}, leaves));
  const auto recorded = numbers(grad({loss()}, leaves, {}, {.create_graph = true}));
  for (std::size_t i = 0; i < fast.size(); ++i)
    for (std::size_t k = 0; k < fast[i].size(); ++k)
      EXPECT_TRUE(std::abs(fast[i][k] - recorded[i][k]) <=
                  1e-12 * std::max(1e3, std::abs(recorded[i][k])))
          << i << ' ' << k;
}

}  // namespace
}  // namespace rho
