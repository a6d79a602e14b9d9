// Convolution and its two gradients against one plain loop over all terms, and any-order
// derivatives.
#include "autograd/ops/conv2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/gradcheck.h"
#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "autograd/ops/shape.h"
#include "kernels/threads.h"
#include "tensor/random.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;

template <class T>
Tensor random(const Shape& shape, std::uint64_t stream) {
  Rng rng(11, stream);
  Tensor out = Tensor::empty(shape, dtype_of<T>());
  std::generate_n(out.data<T>(), out.numel(), [&] { return static_cast<T>(rng.normal()); });
  return out;
}

struct ConvCase {
  Shape x, w;
  Conv2dOptions options;

  Shape y() const { return kernels::conv2d_shape(x, w, options); }
};

std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  return out << "x " << c.x << " w " << c.w << " stride " << c.options.stride_h << ","
             << c.options.stride_w << " pad " << c.options.pad_h << "," << c.options.pad_w
             << " groups " << c.options.groups;
}

std::vector<ConvCase> conv_cases() {
  return {
      {{2, 5, 6, 3}, {4, 3, 3, 3}, {}},
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
      {{9, 1, 1, 1}, {3, 1, 1, 1}, {}},  // a vector spans several images
      {{3, 4, 4, 2}, {5, 4, 4, 2}, {}},  // kernel as large as the image
      {{2, 7, 5, 34}, {34, 5, 5, 34}, {}},
      {{2, 12, 12, 1}, {34, 5, 5, 1}, {}},
      {{2, 9, 8, 3}, {17, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}},
      {{2, 13, 21, 3}, {6, 5, 5, 3}, {}},  // more pixels than are scattered at once
      {{2, 8, 9, 3}, {8, 5, 5, 3}, {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}},
      {{1, 10, 11, 2}, {9, 3, 2, 2}, {.stride_h = 3, .stride_w = 2, .pad_h = 0, .pad_w = 1}},
      {{2, 7, 7, 5}, {3, 1, 1, 5}, {.stride_h = 2, .stride_w = 3}},  // pixels without taps
      {{2, 6, 7, 2}, {3, 1, 3, 2}, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 3}},
      {{2, 5, 5, 2}, {6, 2, 2, 2}, {.stride_h = 3, .stride_w = 3, .pad_h = 3, .pad_w = 3}},
      {{1, 3, 3, 2}, {2, 2, 3, 2}, {.pad_h = 3, .pad_w = 3}},  // outputs of padding alone
      {{2, 8, 8, 16}, {20, 3, 3, 16}, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
      {{2, 6, 6, 4}, {6, 3, 3, 2}, {.pad_h = 1, .pad_w = 1, .groups = 2}},
      {{2, 7, 6, 4}, {4, 3, 3, 1}, {.stride_h = 2, .stride_w = 1, .pad_w = 1, .groups = 4}},
      {{1, 5, 5, 68}, {24, 3, 3, 34}, {.stride_w = 2, .groups = 2}},
      {{1, 3, 3, 300}, {10, 2, 2, 300}, {}},  // one run of a tap row needs several blocks
      {{1, 40, 30, 3}, {7, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}},   // several row blocks an image
      {{9, 11, 10, 1}, {32, 3, 3, 1}, {.pad_h = 1, .pad_w = 1}},  // gradient summed transposed
      {{3, 8, 8, 3}, {64, 5, 5, 3}, {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}},
      // Channels in fours, in groups too.
      {{3, 9, 8, 8}, {36, 3, 3, 8}, {.stride_w = 2, .pad_h = 1}},
      {{2, 6, 5, 16}, {24, 3, 2, 8}, {.stride_h = 2, .pad_h = 1, .pad_w = 1, .groups = 2}},
      {{5, 4, 3, 7}, {6, 1, 1, 7}, {}},    // products of matrices: one pixel,
      {{33, 3, 5, 4}, {17, 3, 5, 4}, {}},  // and the whole image
  };
}

/// Calls visit(x_index, w_index, y_index) for every product that the convolution sums.
template <class Visit>
void for_each_term(const ConvCase& c, Visit&& visit) {
  const Shape &x = c.x, &w = c.w, y = c.y();
  const std::int64_t outs = w[0] / c.options.groups;
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t i = 0; i < y[1]; ++i)
      for (std::int64_t j = 0; j < y[2]; ++j)
        for (std::int64_t o = 0; o < y[3]; ++o)
          for (std::int64_t a = 0; a < w[1]; ++a)
            for (std::int64_t b = 0; b < w[2]; ++b) {
              const std::int64_t h = i * c.options.stride_h + a - c.options.pad_h;
              const std::int64_t v = j * c.options.stride_w + b - c.options.pad_w;
              if (h < 0 || h >= x[1] || v < 0 || v >= x[2]) continue;
              for (std::int64_t k = 0; k < w[3]; ++k)
                visit(static_cast<std::size_t>(((n * x[1] + h) * x[2] + v) * x[3] +
                                               o / outs * w[3] + k),
                      static_cast<std::size_t>(((o * w[1] + a) * w[2] + b) * w[3] + k),
                      static_cast<std::size_t>(((n * y[1] + i) * y[2] + j) * y[3] + o));
            }
}

/// Sums of products, with the bound on the rounding of K terms summed in any order.
struct Oracle {
  explicit Oracle(std::int64_t size)
      : sum(static_cast<std::size_t>(size)),
        magnitude(static_cast<std::size_t>(size)),
        terms(static_cast<std::size_t>(size)) {}

  void add(std::size_t i, double term) {
    sum[i] += term;
    magnitude[i] += std::abs(term);
    terms[i] += 1.0;
  }
  template <class T>
  void expect(const Tensor& found) const {
    const auto values = found.to_vector<double>();
    ASSERT_EQ(values.size(), sum.size());
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double bound = 2.0 * (terms[i] + 2.0) * magnitude[i] *
                           static_cast<double>(std::numeric_limits<T>::epsilon());
      ASSERT_LE(std::abs(values[i] - sum[i]), bound) << "element " << i;
    }
  }

  std::vector<double> sum, magnitude, terms;
};

/// Outputs start as NaN: every element must be overwritten.
template <class T>
Tensor unset(const Shape& shape) {
  Tensor out = Tensor::empty(shape, dtype_of<T>());
  std::fill_n(out.data<T>(), out.numel(), std::numeric_limits<T>::quiet_NaN());
  return out;
}

template <class T>
void expect_plain_loops(const ConvCase& c) {
  SCOPED_TRACE(::testing::Message() << c);
  const Tensor x = random<T>(c.x, 1), w = random<T>(c.w, 2), grad_y = random<T>(c.y(), 3);
  Oracle y(numel(c.y())), grad_x(numel(c.x)), grad_w(numel(c.w));
  const auto xs = x.to_vector<double>(), ws = w.to_vector<double>();
  const auto gs = grad_y.to_vector<double>();
  for_each_term(c, [&](std::size_t ix, std::size_t iw, std::size_t iy) {
    y.add(iy, xs[ix] * ws[iw]);
    grad_x.add(ix, gs[iy] * ws[iw]);
    grad_w.add(iw, gs[iy] * xs[ix]);
  });
  const Tensor found_y = unset<T>(c.y()), found_x = unset<T>(c.x), found_w = unset<T>(c.w);
  kernels::conv2d_forward(x, w, c.options, {}, found_y);
  kernels::conv2d_input_grad(grad_y, w, c.options, found_x);
  kernels::conv2d_weight_grad(x, grad_y, c.options, found_w);
  y.expect<T>(found_y);
  grad_x.expect<T>(found_x);
  grad_w.expect<T>(found_w);
}

TEST(Conv2d, EqualsPlainLoops) {
  for (const ConvCase& c : conv_cases()) {
    expect_plain_loops<float>(c);
    expect_plain_loops<double>(c);
  }
}

TEST(Conv2d, EqualsPlainLoopsAtRandomShapes) {
  Rng rng(3);
  for (int round = 0; round < 60; ++round) {
    const std::int64_t groups = 1 + rng.below(3), ins = 1 + rng.below(5);
    const Shape w{groups * (1 + rng.below(6)), 1 + rng.below(5), 1 + rng.below(5), ins};
    const Conv2dOptions options{1 + rng.below(3), 1 + rng.below(3), rng.below(4), rng.below(4),
                                groups};
    const Shape x{1 + rng.below(3), w[1] + rng.below(6), w[2] + rng.below(6), groups * ins};
    expect_plain_loops<float>({x, w, options});
    expect_plain_loops<double>({x, w, options});
  }
}

TEST(Conv2d, EmptyBatch) {
  const ConvCase c{{0, 5, 5, 2}, {3, 3, 3, 2}, {}};
  const Tensor x = random<float>(c.x, 1), w = random<float>(c.w, 2), y = unset<float>(c.y());
  kernels::conv2d_forward(x, w, c.options, {}, y);
  kernels::conv2d_input_grad(y, w, c.options, x);
  const Tensor grad_w = unset<float>(c.w);
  kernels::conv2d_weight_grad(x, y, c.options, grad_w);
  EXPECT_EQ(y.shape(), (Shape{0, 3, 3, 3}));
  EXPECT_EQ(grad_w.to_vector<float>(), std::vector<float>(54, 0.0F));
}

TEST(Conv2d, SameBitsForAnyNumberOfThreads) {
  const int before = kernels::threads();
  for (const ConvCase& c : {ConvCase{{3, 9, 9, 5}, {34, 3, 3, 5}, {.pad_h = 1, .pad_w = 1}},
                            ConvCase{{1, 16, 15, 7}, {6, 5, 5, 7}, {.stride_h = 2, .stride_w = 2}},
                            ConvCase{{5, 12, 11, 1}, {8, 5, 5, 1}, {.stride_h = 2, .pad_w = 2}}}) {
    const Tensor x = random<float>(c.x, 1), w = random<float>(c.w, 2), gy = random<float>(c.y(), 3);
    const auto all = [&](int threads) {
      kernels::set_threads(threads);
      const Tensor y = unset<float>(c.y()), gx = unset<float>(c.x), gw = unset<float>(c.w);
      kernels::conv2d_forward(x, w, c.options, {}, y);
      kernels::conv2d_input_grad(gy, w, c.options, gx);
      kernels::conv2d_weight_grad(x, gy, c.options, gw);
      return std::vector{y.to_vector<float>(), gx.to_vector<float>(), gw.to_vector<float>()};
    };
    const auto expected = all(1);
    EXPECT_EQ(all(2), expected) << c;
    EXPECT_EQ(all(3), expected) << c;
  }
  kernels::set_threads(before);
}

// Where a weight is not finite, padding counts: inf * 0 is NaN.
TEST(Conv2d, InfiniteWeightsGiveTheSameBitsForAnyNumberOfThreads) {
  const Tensor x = random<double>({1, 9, 9, 3}, 1), w = random<double>({2, 3, 3, 3}, 2);
  w.data<double>()[4] = std::numeric_limits<double>::infinity();
  const auto nans = [&](int threads) {
    const int before = kernels::threads();
    kernels::set_threads(threads);
    const Variable y = conv2d(Variable(x), Variable(w), {.pad_h = 1, .pad_w = 1});
    kernels::set_threads(before);
    std::vector<bool> out;
    for (const double value : y.value().to_vector<double>()) out.push_back(std::isnan(value));
    return out;
  };
  for (const int threads : {2, 4, 8}) EXPECT_EQ(nans(threads), nans(1)) << threads;
}

TEST(Conv2d, AnyStridesOfTheInputs) {
  const Tensor x = random<double>({2, 3, 6, 5}, 1);  // channels first
  const Tensor w = random<double>({4, 3, 3, 2}, 2);
  const Variable direct =
      conv2d(Variable(x.permute({0, 2, 3, 1})), Variable(w.permute({0, 2, 3, 1})));
  Tensor packed_x = Tensor::from(x.permute({0, 2, 3, 1}).to_vector<double>(), {2, 6, 5, 3});
  Tensor packed_w = Tensor::from(w.permute({0, 2, 3, 1}).to_vector<double>(), {4, 3, 2, 3});
  EXPECT_EQ(direct.value().to_vector<double>(),
            conv2d(Variable(packed_x), Variable(packed_w)).value().to_vector<double>());
}

TEST(Conv2d, Derivatives) {
  const ConvCase small[] = {
      {{2, 4, 4, 2}, {3, 3, 3, 2}, {}},
      {{1, 5, 4, 1}, {2, 3, 2, 1}, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
      {{1, 4, 4, 2}, {2, 1, 1, 2}, {.stride_h = 2, .stride_w = 3}},
      {{1, 4, 3, 4}, {4, 2, 2, 2}, {.pad_w = 1, .groups = 2}},
  };
  for (const ConvCase& c : small) {
    SCOPED_TRACE(::testing::Message() << c);
    const DifferentiableFunction f = [&](const std::vector<Variable>& in) {
      return conv2d(in[0], in[1], c.options);
    };
    const std::vector<Variable> inputs{Variable(random<double>(c.x, 1), true),
                                       Variable(random<double>(c.w, 2), true)};
    const GradcheckResult first = gradcheck(f, inputs), second = gradgradcheck(f, inputs);
    EXPECT_TRUE(first.ok) << first.message;
    EXPECT_TRUE(second.ok) << second.message;
  }
}

/// What may follow a convolution.
struct Follows {
  bool bias, residual, relu;

  /// The variables of a call: x, w, then those that follow.
  template <class T>
  std::vector<Variable> variables(const ConvCase& c) const {
    std::vector<Variable> in{Variable(random<T>(c.x, 1), true), Variable(random<T>(c.w, 2), true)};
    if (bias) in.emplace_back(random<T>({c.w[0]}, 3), true);
    if (residual) in.emplace_back(random<T>(c.y(), 5), true);
    return in;
  }
  Variable fused(const std::vector<Variable>& in, const Conv2dOptions& options) const {
    return conv2d(in[0], in[1], options, bias ? in[2] : Variable(),
                  {residual ? in.back() : Variable(), relu});
  }
  Variable separate(const std::vector<Variable>& in, const Conv2dOptions& options) const {
    Variable y = conv2d(in[0], in[1], options);
    if (bias) y = y + in[2];
    if (residual) y = y + in.back();
    return relu ? rho::relu(y) : y;
  }

  friend std::ostream& operator<<(std::ostream& os, const Follows& f) {
    return os << (f.bias ? " bias" : "") << (f.residual ? " residual" : "")
              << (f.relu ? " relu" : "");
  }
};

std::vector<Follows> all_that_follows() {
  std::vector<Follows> all;
  for (const bool bias : {false, true})
    for (const bool residual : {false, true})
      for (const bool relu : {false, true}) all.push_back({bias, residual, relu});
  return all;
}

template <class T>
void expect_fused_is_separate(const ConvCase& c) {
  const Tensor g = random<T>(c.y(), 4);
  for (const Follows& follows : all_that_follows()) {
    SCOPED_TRACE(::testing::Message() << c << follows);
    const std::vector<Variable> in = follows.variables<T>(c);
    const Variable one = follows.fused(in, c.options), two = follows.separate(in, c.options);
    EXPECT_EQ(one.value().template to_vector<double>(), two.value().template to_vector<double>());
    const auto found = grad({one}, in, {Variable(g)}), expected = grad({two}, in, {Variable(g)});
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto a = found[i].value().template to_vector<double>();
      const auto b = expected[i].value().template to_vector<double>();
      if (!follows.bias || i != 2) {
        EXPECT_EQ(a, b) << "input " << i;
        continue;
      }
      // Sums of R terms in double, in another order, and rounded once.
      const double rows = static_cast<double>(g.numel() / std::max<std::int64_t>(c.w[0], 1));
      for (std::size_t o = 0; o < a.size(); ++o)
        EXPECT_LE(std::abs(a[o] - b[o]),
                  4 * rows *
                      (std::numeric_limits<double>::epsilon() * rows +
                       static_cast<double>(std::numeric_limits<T>::epsilon())));
    }
  }
}

TEST(Conv2d, FusedWithWhatFollowsIsSeparate) {
  for (const ConvCase& c :
       {ConvCase{{3, 7, 6, 3}, {34, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}},
        ConvCase{{2, 5, 5, 2}, {1, 3, 3, 2}, {}}, ConvCase{{9, 12, 12, 8}, {16, 5, 5, 8}, {}},
        // Long sums in parts, of which the last lies in the padding; groups; strided tiles, and
        // channels that fill no vector; products.
        ConvCase{{2, 3, 3, 130}, {5, 5, 2, 130}, {.pad_h = 4, .pad_w = 1}},
        ConvCase{{2, 6, 5, 6}, {10, 3, 3, 3}, {.stride_h = 2, .pad_h = 1, .groups = 2}},
        ConvCase{{70, 9, 9, 9}, {11, 3, 3, 9}, {2, 2, 1, 1}},
        ConvCase{{3, 4, 5, 6}, {7, 1, 1, 6}, {}}, ConvCase{{3, 4, 5, 6}, {7, 4, 5, 6}, {}},
        ConvCase{{1, 1, 1, 1}, {1, 1, 1, 1}, {}}, ConvCase{{0, 5, 5, 2}, {3, 3, 3, 2}, {}}}) {
    expect_fused_is_separate<float>(c);
    expect_fused_is_separate<double>(c);
  }
}

TEST(Conv2d, WhatFollowsPassesNaN) {
  const ConvCase c{{1, 4, 4, 1}, {2, 3, 3, 1}, {}};
  const Follows follows{true, true, true};
  std::vector<Variable> in = follows.variables<float>(c);
  for (const auto& [input, element] : {std::pair{0, 5}, std::pair{2, 1}, std::pair{3, 2}}) {
    Tensor value = in[static_cast<std::size_t>(input)].value();
    value.data<float>()[element] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto bits = [](const Variable& v) {
    std::vector<bool> out;
    for (const double value : v.value().to_vector<double>()) out.push_back(std::isnan(value));
    return out;
  };
  const Variable one = follows.fused(in, {}), two = follows.separate(in, {});
  EXPECT_EQ(bits(one), bits(two));
  const Variable g(random<float>({1, 2, 2, 2}, 4));
  const auto found = grad({one}, in, {g}), expected = grad({two}, in, {g});
  for (std::size_t i = 0; i < in.size(); ++i) EXPECT_EQ(bits(found[i]), bits(expected[i]));
}

TEST(Conv2d, DerivativesWithWhatFollows) {
  const ConvCase c{{2, 4, 4, 2}, {3, 3, 2, 2}, {.stride_h = 2, .pad_h = 1}};
  for (const Follows& follows : all_that_follows()) {
    SCOPED_TRACE(::testing::Message() << follows);
    const DifferentiableFunction f = [&](const std::vector<Variable>& v) {
      return follows.fused(v, c.options);
    };
    const std::vector<Variable> in = follows.variables<double>(c);
    const GradcheckResult first = gradcheck(f, in), second = gradgradcheck(f, in);
    EXPECT_TRUE(first.ok) << first.message;
    EXPECT_TRUE(second.ok) << second.message;
  }
}

TEST(Conv2d, AResidualThatIsItsInput) {
  const ConvCase c{{2, 5, 5, 8}, {8, 3, 3, 8}, {.pad_h = 1, .pad_w = 1}};
  const Variable x(random<double>(c.x, 1), true), w(random<double>(c.w, 2), true);
  const Variable g(random<double>(c.y(), 3));
  const auto found = grad({conv2d(x, w, c.options, {}, {x, true})}, {x, w}, {g});
  const auto expected = grad({relu(conv2d(x, w, c.options) + x)}, {x, w}, {g});
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found[i].value().to_vector<double>(), expected[i].value().to_vector<double>());
}

TEST(Conv2d, ErrorsNameWhatFollows) {
  const Variable x(random<float>({1, 3, 3, 1}, 1)), w(random<float>({2, 2, 2, 1}, 2));
  const auto message = [&](const Variable& bias, const Variable& residual) {
    return testing::message_of([&] { conv2d(x, w, {}, bias, {residual, true}); });
  };
  EXPECT_TRUE(testing::contains(message(Variable(random<float>({3}, 3)), {}), "[conv2d]", "bias",
                                "[2]", "[3]"));
  EXPECT_TRUE(testing::contains(message(Variable(random<double>({2}, 3)), {}), "[conv2d]", "bias",
                                "float32", "float64"));
  EXPECT_TRUE(testing::contains(message({}, Variable(random<float>({1, 2, 2, 1}, 3))), "[conv2d]",
                                "residual", "[1, 2, 2, 2]", "[1, 2, 2, 1]"));
}

TEST(Conv2d, ThirdDerivatives) {
  const Conv2dOptions options{.stride_h = 2, .pad_h = 1};
  const Shape x{1, 3, 3, 1}, w{2, 2, 2, 1}, y = kernels::conv2d_shape(x, w, options);
  const std::vector<Variable> inputs{Variable(random<double>(x, 1), true),
                                     Variable(random<double>(w, 2), true),
                                     Variable(random<double>(y, 3), true)};
  for (const std::size_t by : {std::size_t{0}, std::size_t{1}}) {
    const DifferentiableFunction gradient = [&](const std::vector<Variable>& in) {
      return grad({conv2d(in[0], in[1], options)}, {in[by]}, {in[2]}, {.create_graph = true})[0];
    };
    const GradcheckResult result = gradgradcheck(gradient, inputs);
    EXPECT_TRUE(result.ok) << result.message;
  }
}

TEST(Conv2d, GradientOnlyWhereRequired) {
  const Variable x(random<double>({1, 4, 4, 1}, 1)), w(random<double>({2, 3, 3, 1}, 2), true);
  sum(conv2d(x, w)).backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(w.grad().shape(), w.shape());
}

TEST(Conv2d, ErrorsNameTheShapes) {
  const auto message = [](const Shape& x, const Shape& w, const Conv2dOptions& options = {}) {
    try {
      conv2d(Variable(random<float>(x, 1)), Variable(random<float>(w, 2)), options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto expect = [](const std::string& found, std::initializer_list<const char*> parts) {
    for (const char* part : parts) EXPECT_NE(found.find(part), std::string::npos) << found;
  };
  expect(message({2, 5, 5, 3}, {4, 3, 3, 2}), {"[conv2d]", "[2, 5, 5, 3]", "[4, 3, 3, 2]"});
  expect(message({2, 5, 5}, {4, 3, 3, 2}), {"[conv2d]", "[2, 5, 5]", "[N, H, W, C]"});
  expect(message({2, 2, 5, 3}, {4, 3, 3, 3}), {"[conv2d]", "does not fit", "[2, 2, 5, 3]"});
  expect(message({2, 5, 5, 4}, {3, 3, 3, 2}, {.groups = 2}), {"[conv2d]", "groups"});
  expect(message({2, 5, 5, 4}, {3, 3, 3, 4}, {.stride_h = 0}), {"[conv2d]", "stride (0, 1)"});
  try {
    conv2d(Variable(random<float>({1, 3, 3, 1}, 1)), Variable(random<double>({1, 3, 3, 1}, 1)));
    ADD_FAILURE() << "dtypes differ";
  } catch (const Error& error) {
    expect(error.what(), {"[conv2d]", "float32", "float64"});
  }
  const Tensor x = random<float>({1, 3, 3, 1}, 1), w = random<float>({1, 2, 2, 1}, 2);
  EXPECT_THROW(kernels::conv2d_forward(x, w, {}, {}, Tensor::empty({1, 3, 3, 1}, DType::Float32)),
               Error);
  EXPECT_THROW(kernels::conv2d_weight_grad(x.transpose(1, 2).slice(1, 0, 2), w, {},
                                           Tensor::empty({1, 1, 2, 1}, DType::Float32)),
               Error);
}

}  // namespace
}  // namespace rho
