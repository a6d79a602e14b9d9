// Winograd convolution against plain sums in double, within the bound that winograd.h states.
#include "kernels/cpu/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/cpu/caches.h"
#include "kernels/threads.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;
using kernels::cpu::WinogradShape;
using testing::uniform;
using Values = std::vector<double>;

constexpr std::array<double, 5> kPoints{0, 1, -1, 2, -2};

/// Row of E(k) and of S E(k): the powers of a point; the last is infinity.
double power(int point, std::int64_t k) {
  return point < 5 ? std::pow(kPoints[static_cast<std::size_t>(point)], static_cast<double>(k)) : 0;
}
double evaluation(int point, std::int64_t k, std::int64_t terms) {
  return point < 5 ? power(point, k) : static_cast<double>(k == terms - 1);
}
double scale(int point) {
  constexpr std::array<double, 6> scales{1.0 / 4, 1.0 / 6, 1.0 / 6, 1.0 / 24, 1.0 / 24, 1.0};
  return scales[static_cast<std::size_t>(point)];
}
constexpr double kInterpolation[6][6] = {{4, 0, 5, 0, 1, 0}, {0, 4, 4, 1, 1, 0},
                                         {0, 4, 4, 1, 1, 0}, {0, 2, 1, 2, 1, 0},
                                         {0, 2, 1, 2, 1, 0}, {0, 4, 0, 5, 0, 1}};

/// The two-dimensional transforms with every entry replaced by its size: how much the values in a
/// tile can contribute to each result, cancellation aside.
struct Magnitudes {
  using Square = std::array<std::array<double, 6>, 6>;

  template <class At>
  static Square interpolate(const At& at) {
    return twice(6, at, [](int out, int in) { return kInterpolation[out][in]; });
  }
  template <class At>
  static Square evaluate(std::int64_t k, const At& at) {
    return twice(static_cast<int>(k), at,
                 [k](int out, int in) { return scale(out) * std::abs(evaluation(out, in, k)); });
  }
  static Square evaluate_transposed(std::int64_t k, const Square& m) {
    return twice(
        6,
        [&](int i, int j) { return m[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]; },
        [k](int out, int in) { return out < k ? std::abs(evaluation(in, out, k)) : 0.0; });
  }

 private:
  template <class At, class Entry>
  static Square twice(int n, const At& at, const Entry& entry) {
    Square out{};
    for (int a = 0; a < 6; ++a)
      for (int b = 0; b < 6; ++b)
        for (int i = 0; i < n; ++i)
          for (int j = 0; j < n; ++j)
            out[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] +=
                entry(a, i) * entry(b, j) * std::abs(at(i, j));
    return out;
  }
};

struct Case {
  Shape x, w;
  std::int64_t stride, pad;

  Conv2dOptions options() const {
    return {.stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad};
  }
  Shape y() const { return kernels::conv2d_shape(x, w, options()); }
  WinogradShape shape() const {
    return {x[0], x[1], x[2], x[3], y()[1], y()[2], w[0], w[1], stride, pad, pad};
  }
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "x " << c.x << " w " << c.w << " stride " << c.stride << " pad " << c.pad;
}

std::vector<Case> cases() {
  return {
      {{2, 8, 8, 16}, {8, 3, 3, 16}, 1, 1},  {{1, 9, 7, 5}, {19, 3, 3, 5}, 1, 0},
      {{1, 4, 4, 18}, {17, 3, 3, 18}, 1, 1}, {{1, 3, 3, 1}, {1, 3, 3, 1}, 1, 0},
      {{2, 6, 7, 3}, {2, 3, 3, 3}, 1, 2},    {{1, 10, 10, 12}, {24, 5, 5, 12}, 1, 0},
      {{1, 9, 8, 17}, {3, 5, 5, 17}, 1, 2},  {{1, 16, 16, 8}, {6, 5, 5, 8}, 2, 2},
      {{1, 11, 13, 9}, {20, 5, 5, 9}, 2, 0}, {{2, 9, 12, 4}, {5, 5, 5, 4}, 2, 1},
      {{1, 12, 12, 3}, {4, 3, 3, 3}, 2, 1},  {{65, 5, 5, 3}, {4, 3, 3, 3}, 1, 1},
      {{1, 40, 41, 2}, {3, 5, 5, 2}, 1, 4},  {{0, 8, 8, 4}, {4, 3, 3, 4}, 1, 1},
  };
}

/// Plain sums, and the bound of each: tiles laid out as the algorithm does.
struct Expected {
  Values y, grad_x, grad_w, bound_y, bound_x, bound_w;
};

double at(const Values& v, const Shape& s, std::int64_t n, std::int64_t i, std::int64_t j,
          std::int64_t c) {
  if (i < 0 || i >= s[1] || j < 0 || j >= s[2]) return 0.0;
  return v[static_cast<std::size_t>(((n * s[1] + i) * s[2] + j) * s[3] + c)];
}

/// Adds to the value at (n, i, j, c), where there is one.
void add(Values& v, const Shape& s, std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t c,
         double term) {
  if (i < 0 || i >= s[1] || j < 0 || j >= s[2]) return;
  v[static_cast<std::size_t>(((n * s[1] + i) * s[2] + j) * s[3] + c)] += term;
}

Magnitudes::Square product(const Magnitudes::Square& a, const Magnitudes::Square& b) {
  Magnitudes::Square out{};
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 6; ++j) out[i][j] = a[i][j] * b[i][j];
  return out;
}

Expected expected(const Case& c, const Values& x, const Values& w, const Values& g) {
  const WinogradShape s = c.shape();
  const std::int64_t stride = s.stride, taps = s.taps(), m = s.tile();
  const auto zeros = [](const Shape& shape) {
    return Values(static_cast<std::size_t>(numel(shape)), 0.0);
  };
  Expected e{zeros(c.y()), zeros(c.x), zeros(c.w), zeros(c.y()), zeros(c.x), zeros(c.w)};
  for (std::int64_t n = 0; n < s.images; ++n)
    for (std::int64_t o = 0; o < s.outs; ++o)
      for (std::int64_t k = 0; k < s.ins; ++k) {
        for (std::int64_t i = 0; i < s.out_height; ++i)
          for (std::int64_t j = 0; j < s.out_width; ++j)
            for (std::int64_t a = 0; a < s.kernel; ++a)
              for (std::int64_t b = 0; b < s.kernel; ++b) {
                const std::int64_t h = stride * i + a - s.pad_h, v = stride * j + b - s.pad_w;
                const double in = at(x, c.x, n, h, v, k), weight = at(w, c.w, o, a, b, k);
                const double gradient = at(g, c.y(), n, i, j, o);
                add(e.y, c.y(), n, i, j, o, in * weight);
                add(e.grad_x, c.x, n, h, v, k, gradient * weight);
                add(e.grad_w, c.w, o, a, b, k, gradient * in);
              }
        for (std::int64_t p = 0; p < stride; ++p)
          for (std::int64_t q = 0; q < stride; ++q) {
            const auto weight = Magnitudes::evaluate(taps, [&](int a, int b) {
              return at(w, c.w, o, stride * a + p, stride * b + q, k);
            });
            const auto each_tile = [&](std::int64_t height, std::int64_t width, const auto& visit) {
              for (std::int64_t i = 0; i < height; i += m)
                for (std::int64_t j = 0; j < width; j += m) visit(i, j);
            };
            each_tile(s.out_height, s.out_width, [&](std::int64_t i, std::int64_t j) {
              const auto in = Magnitudes::interpolate([&](int a, int b) {
                return at(x, c.x, n, stride * (i + a) + p - s.pad_h, stride * (j + b) + q - s.pad_w,
                          k);
              });
              const auto out = Magnitudes::evaluate_transposed(m, product(in, weight));
              const auto gradient = Magnitudes::evaluate(
                  m, [&](int a, int b) { return at(g, c.y(), n, i + a, j + b, o); });
              const auto by_w = Magnitudes::evaluate_transposed(taps, product(in, gradient));
              for (std::int64_t a = 0; a < m; ++a)
                for (std::int64_t b = 0; b < m; ++b)
                  add(e.bound_y, c.y(), n, i + a, j + b, o,
                      out[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)]);
              for (std::int64_t a = 0; a < taps; ++a)
                for (std::int64_t b = 0; b < taps; ++b)
                  add(e.bound_w, c.w, o, stride * a + p, stride * b + q, k,
                      by_w[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)]);
            });
            const auto flipped = Magnitudes::evaluate(taps, [&](int a, int b) {
              return at(w, c.w, o, stride * (taps - 1 - a) + p, stride * (taps - 1 - b) + q, k);
            });
            const std::int64_t top = s.pad_h / stride, left = s.pad_w / stride;
            each_tile(
                (s.height - 1 + s.pad_h) / stride - top + 1,
                (s.width - 1 + s.pad_w) / stride - left + 1, [&](std::int64_t i, std::int64_t j) {
                  const auto in = Magnitudes::interpolate([&](int a, int b) {
                    return at(g, c.y(), n, top + i + a - taps + 1, left + j + b - taps + 1, o);
                  });
                  const auto out = Magnitudes::evaluate_transposed(m, product(in, flipped));
                  for (std::int64_t a = 0; a < m; ++a)
                    for (std::int64_t b = 0; b < m; ++b)
                      add(e.bound_x, c.x, n, stride * (top + i + a) + p - s.pad_h,
                          stride * (left + j + b) + q - s.pad_w, k,
                          out[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)]);
                });
          }
      }
  return e;
}

void expect_within(const Values& found, const Values& exact, const Values& magnitude,
                   std::int64_t terms, const char* what) {
  ASSERT_EQ(found.size(), exact.size());
  const double unit = static_cast<double>(terms + 40) * std::numeric_limits<float>::epsilon();
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_LE(std::abs(found[i] - exact[i]), unit * magnitude[i]) << what << " element " << i;
}

/// Outputs start as NaN: every element must be overwritten.
std::vector<float> unset(const Shape& shape) {
  return std::vector<float>(static_cast<std::size_t>(numel(shape)),
                            std::numeric_limits<float>::quiet_NaN());
}

struct Results {
  std::vector<float> y, grad_x, grad_w;
};

Results run(const Case& c, const Tensor& x, const Tensor& w, const Tensor& g) {
  Results r{unset(c.y()), unset(c.x), unset(c.w)};
  kernels::cpu::winograd_forward(c.shape(), x.data<float>(), w.data<float>(), r.y.data());
  kernels::cpu::winograd_input_grad(c.shape(), g.data<float>(), w.data<float>(), r.grad_x.data());
  kernels::cpu::winograd_weight_grad(c.shape(), x.data<float>(), g.data<float>(), r.grad_w.data());
  return r;
}

Values doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

TEST(Winograd, EqualsPlainSumsWithinItsBound) {
  for (const Case& c : cases()) {
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
  const Case three{{4, 16, 16, 64}, {64, 3, 3, 64}, 1, 1},
      five{{4, 12, 12, 24}, {24, 5, 5, 24}, 1, 0};
  for (const Case& c : {three, five}) {
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
    kernels::conv2d_forward(wide(x), wide(w), c.options(), y);
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
  const Case c{{pixels / 64 + 1, 8, 8, 16}, {16, 3, 3, 16}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
  const Tensor g = uniform<float>(c.y(), 3);
  const Results all = run(c, x, w, g);
  // The first images alone, whose results are small.
  const Case few{{8, 8, 8, 16}, c.w, 1, 1};
  const Results some = run(few, x, w, g);
  EXPECT_TRUE(std::equal(some.y.begin(), some.y.end(), all.y.begin()));
  EXPECT_TRUE(std::equal(some.grad_x.begin(), some.grad_x.end(), all.grad_x.begin()));
  EXPECT_TRUE(std::none_of(all.y.begin(), all.y.end(), [](float v) { return std::isnan(v); }));
  EXPECT_TRUE(
      std::none_of(all.grad_x.begin(), all.grad_x.end(), [](float v) { return std::isnan(v); }));
}

TEST(Winograd, SameBitsForAnyNumberOfThreads) {
  const int before = kernels::threads();
  for (const Case& c : cases()) {
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
  EXPECT_FALSE(used({128, 32, 32, 3}, {16, 3, 3, 3}, padded));  // few channels
  EXPECT_FALSE(used({1, 8, 8, 64}, {64, 3, 3, 64}, padded));    // few tiles
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 8}, {.pad_h = 1, .pad_w = 1, .groups = 2}));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 5, 16}, padded));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, {.stride_h = 2, .stride_w = 2}));
  EXPECT_FALSE(used({0, 32, 32, 16}, {16, 3, 3, 16}, padded));
}

}  // namespace
}  // namespace rho
