// Winograd convolution against plain sums in double, within the bound that winograd.h states.
#include "kernels/cpu/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/caches.h"
#include "kernels/cpu/winograd_transforms.h"
#include "kernels/threads.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;
using kernels::cpu::WinogradShape;
using testing::uniform;
using Values = std::vector<double>;

using Matrix = std::vector<std::vector<double>>;
using Square = Matrix;

/// Entries of one-dimensional transforms by their size: how much the values in a tile can
/// contribute to each result, cancellation aside.
struct Magnitudes {
  Matrix x, w, y;         // forward: of inputs, filter, and of the frequencies of outputs
  Matrix grad_y, grad_x;  // the same where gradients slide
  Matrix as_filter, grad_w;

  std::size_t tile_points() const { return x.size(); }
  std::size_t of_filter(std::size_t point) const { return std::min(point, w.size() - 1); }
};

Matrix matrix(std::size_t rows, std::size_t columns, const auto& entry) {
  Matrix m(rows, std::vector<double>(columns));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      m[i][j] = std::abs(entry(static_cast<int>(i), static_cast<int>(j)));
  return m;
}
Matrix transposed(const Matrix& a) {
  return matrix(a[0].size(), a.size(), [&](int i, int j) {
    return a[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)];
  });
}
/// E(terms): powers of the points; the last point is infinity.
Matrix evaluation(const std::vector<double>& points, std::size_t terms) {
  return matrix(points.size() + 1, terms, [&](int p, int k) {
    const auto point = static_cast<std::size_t>(p);
    if (point == points.size()) return k + 1 == static_cast<int>(terms) ? 1.0 : 0.0;
    return std::pow(points[point], k);
  });
}
Matrix scaled(const std::vector<double>& scales, const Matrix& m) {
  return matrix(m.size(), m[0].size(), [&](int i, int j) {
    return scales[static_cast<std::size_t>(i)] *
           m[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  });
}

constexpr std::size_t kTile = kernels::cpu::WinogradScheme::kTile;

Magnitudes stride_one(std::size_t taps) {
  const std::size_t m = kTile;
  const bool six = taps == 3;
  const auto points = six ? Values{0, 1, -1, 2, -2} : Values{0, 1, -1, 2, -2, 0.5, -0.5};
  const auto scales =
      six ? Values{1.0 / 4, 1.0 / 6, 1.0 / 6, 1.0 / 24, 1.0 / 24, 1.0}
          : Values{1.0, 2.0 / 9, 2.0 / 9, 1.0 / 90, 1.0 / 90, 32.0 / 45, 32.0 / 45, 1.0};
  const Matrix in =
      six ? Matrix{{4, 0, 5, 0, 1, 0}, {0, 4, 4, 1, 1, 0}, {0, 4, 4, 1, 1, 0},
                   {0, 2, 1, 2, 1, 0}, {0, 2, 1, 2, 1, 0}, {0, 4, 0, 5, 0, 1}}
          : Matrix{{1, 0, 5.25, 0, 5.25, 0, 1, 0},     {0, 1, 1, 4.25, 4.25, 1, 1, 0},
                   {0, 1, 1, 4.25, 4.25, 1, 1, 0},     {0, 0.5, 0.25, 2.5, 1.25, 2, 1, 0},
                   {0, 0.5, 0.25, 2.5, 1.25, 2, 1, 0}, {0, 2, 4, 2.5, 5, 0.5, 1, 0},
                   {0, 2, 4, 2.5, 5, 0.5, 1, 0},       {0, 1, 0, 5.25, 0, 5.25, 0, 1}};
  const Matrix out = transposed(evaluation(points, m));
  return {.x = in,
          .w = scaled(scales, evaluation(points, taps)),
          .y = out,
          .grad_y = in,
          .grad_x = out,
          .as_filter = scaled(scales, evaluation(points, m)),
          .grad_w = transposed(evaluation(points, taps))};
}

Magnitudes stride_two() {
  const Matrix two_taps{
      {2, 1, 2, 1, 0}, {0, 2, 1, 1, 0}, {0, 2, 3, 1, 0}, {0, 1, 0, 1, 0}, {0, 2, 1, 2, 1}};
  const std::vector<double> points{0, 1, -1, 2};
  const std::vector<double> scales{1.0 / 2, 1.0 / 2, 1.0 / 6, 1.0 / 6, 1.0};
  const Matrix e2 = evaluation(points, 2), e4 = evaluation(points, 4);
  const Matrix s2 = scaled(scales, e2), s4 = scaled(scales, e4);
  const auto at = [](const Matrix& m, int i, int j) {
    return m[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  };
  const auto same = [](int a, int b) { return a == b ? 1.0 : 0.0; };
  return {.x = matrix(9, 9,
                      [&](int p, int d) {
                        if (p >= 5) return same(d, 2 * (p - 5) + 1);
                        return d % 2 == 0 ? at(two_taps, p, d / 2) : 0.0;
                      }),
          .w = matrix(6, 3,
                      [&](int p, int k) {
                        if (p == 5) return same(k, 1);
                        return k % 2 == 0 ? at(s2, p, k / 2) : 0.0;
                      }),
          .y = matrix(4, 9, [&](int i, int p) { return p < 5 ? at(e4, p, i) : same(p - 5, i); }),
          .grad_y = matrix(
              9, 5, [&](int p, int g) { return p < 5 ? at(two_taps, p, g) : same(p - 5, g); }),
          .grad_x = matrix(8, 9,
                           [&](int h, int p) {
                             if (h % 2 == 0) return same(p - 5, h / 2);
                             return p < 5 ? at(e4, p, h / 2) : 0.0;
                           }),
          .as_filter =
              matrix(9, 4, [&](int p, int i) { return p < 5 ? at(s4, p, i) : same(p - 5, i); }),
          .grad_w = matrix(3, 6, [&](int k, int p) {
            if (k == 1) return same(p, 5);
            return p < 5 ? at(e2, p, k / 2) : 0.0;
          })};
}

/// |A| |at| |A|^T
Square twice(const Matrix& a, const auto& at) {
  return matrix(a.size(), a.size(), [&](int i, int j) {
    const auto &down = a[static_cast<std::size_t>(i)], &across = a[static_cast<std::size_t>(j)];
    double sum = 0.0;
    for (std::size_t k = 0; k < down.size(); ++k)
      for (std::size_t l = 0; l < across.size(); ++l)
        sum += down[k] * across[l] *
               std::abs(at(static_cast<std::int64_t>(k), static_cast<std::int64_t>(l)));
    return sum;
  });
}
Square twice(const Matrix& a, const Square& m) {
  return twice(a, [&](std::int64_t i, std::int64_t j) {
    return m[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
  });
}

struct WinogradCase {
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

std::ostream& operator<<(std::ostream& out, const WinogradCase& c) {
  return out << "x " << c.x << " w " << c.w << " stride " << c.stride << " pad " << c.pad;
}

std::vector<WinogradCase> winograd_cases() {
  return {
      {{2, 8, 8, 16}, {8, 3, 3, 16}, 1, 1},  {{1, 9, 7, 5}, {19, 3, 3, 5}, 1, 0},
      {{1, 4, 4, 18}, {17, 3, 3, 18}, 1, 1}, {{1, 3, 3, 1}, {1, 3, 3, 1}, 1, 0},
      {{2, 6, 7, 3}, {2, 3, 3, 3}, 1, 2},    {{1, 10, 10, 12}, {24, 5, 5, 12}, 1, 0},
      {{1, 9, 8, 17}, {3, 5, 5, 17}, 1, 2},  {{1, 16, 16, 8}, {6, 5, 5, 8}, 2, 2},
      {{1, 11, 13, 9}, {20, 5, 5, 9}, 2, 0}, {{2, 9, 12, 4}, {5, 5, 5, 4}, 2, 1},
      {{1, 12, 12, 3}, {4, 3, 3, 3}, 2, 1},  {{2, 9, 15, 18}, {17, 3, 3, 18}, 2, 1},
      {{1, 13, 8, 5}, {9, 3, 3, 5}, 2, 3},   {{1, 1, 2, 2}, {1, 3, 3, 2}, 2, 1},
      {{65, 5, 5, 3}, {4, 3, 3, 3}, 1, 1},   {{1, 40, 41, 2}, {3, 5, 5, 2}, 1, 4},
      {{0, 8, 8, 4}, {4, 3, 3, 4}, 1, 1},
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

/// Frequencies of a tile times those of a filter.
Square filtered(const Magnitudes& of, const Square& tile, const Square& filter) {
  Square out = tile;
  for (std::size_t i = 0; i < of.tile_points(); ++i)
    for (std::size_t j = 0; j < of.tile_points(); ++j)
      out[i][j] *= filter[of.of_filter(i)][of.of_filter(j)];
  return out;
}
/// Products of two tiles, by the frequency of a filter.
Square gathered(const Magnitudes& of, const Square& a, const Square& b) {
  Square out(of.w.size(), std::vector<double>(of.w.size()));
  for (std::size_t i = 0; i < of.tile_points(); ++i)
    for (std::size_t j = 0; j < of.tile_points(); ++j)
      out[of.of_filter(i)][of.of_filter(j)] += a[i][j] * b[i][j];
  return out;
}

Expected expected(const WinogradCase& c, const Values& x, const Values& w, const Values& g) {
  const WinogradShape s = c.shape();
  const Magnitudes of = s.strided() ? stride_two() : stride_one(static_cast<std::size_t>(s.taps()));
  const std::int64_t stride = s.stride, taps = s.taps(), step = s.step();
  const auto m = static_cast<std::int64_t>(kTile);
  const auto zeros = [](const Shape& shape) {
    return Values(static_cast<std::size_t>(numel(shape)), 0.0);
  };
  Expected e{zeros(c.y()), zeros(c.x), zeros(c.w), zeros(c.y()), zeros(c.x), zeros(c.w)};
  const auto add_square = [](Values& v, const Shape& shape, std::int64_t n, std::int64_t top,
                             std::int64_t left, std::int64_t apart, std::int64_t channel,
                             const Square& terms) {
    for (std::size_t a = 0; a < terms.size(); ++a)
      for (std::size_t b = 0; b < terms.size(); ++b)
        add(v, shape, n, top + apart * static_cast<std::int64_t>(a),
            left + apart * static_cast<std::int64_t>(b), channel, terms[a][b]);
  };
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
        for (std::int64_t phase = 0; phase < s.phases(); ++phase) {
          const std::int64_t p = phase / stride, q = phase % stride;
          const auto each_tile = [&](std::int64_t height, std::int64_t width, const auto& visit) {
            for (std::int64_t i = 0; i < height; i += m)
              for (std::int64_t j = 0; j < width; j += m) visit(i, j);
          };
          const Square weight = twice(of.w, [&](std::int64_t a, std::int64_t b) {
            return at(w, c.w, o, step * a + p, step * b + q, k);
          });
          each_tile(s.out_height, s.out_width, [&](std::int64_t i, std::int64_t j) {
            const Square in = twice(of.x, [&](std::int64_t a, std::int64_t b) {
              return at(x, c.x, n, stride * i + step * a + p - s.pad_h,
                        stride * j + step * b + q - s.pad_w, k);
            });
            const Square gradient = twice(of.as_filter, [&](std::int64_t a, std::int64_t b) {
              return at(g, c.y(), n, i + a, j + b, o);
            });
            add_square(e.bound_y, c.y(), n, i, j, 1, o, twice(of.y, filtered(of, in, weight)));
            add_square(e.bound_w, c.w, o, p, q, step, k,
                       twice(of.grad_w, gathered(of, in, gradient)));
          });
          const Square flipped = twice(of.w, [&](std::int64_t a, std::int64_t b) {
            return at(w, c.w, o, step * (taps - 1 - a) + p, step * (taps - 1 - b) + q, k);
          });
          // Along one dimension, tile i sees gradients from `sees` + i on, and its results are the
          // pixels from `gives` + stride i on.
          struct Line {
            std::int64_t sees, gives, count;
          };
          const auto line = [&](std::int64_t size, std::int64_t pad) -> Line {
            if (s.strided()) return {(pad - 1) / 2, 0, (size + 1) / 2};
            const std::int64_t top = pad / stride;
            return {top - taps + 1, stride * top - pad, (size - 1 + pad) / stride - top + 1};
          };
          const Line down = line(s.height, s.pad_h), across = line(s.width, s.pad_w);
          each_tile(down.count, across.count, [&](std::int64_t i, std::int64_t j) {
            const Square in = twice(of.grad_y, [&](std::int64_t a, std::int64_t b) {
              return at(g, c.y(), n, down.sees + i + a, across.sees + j + b, o);
            });
            add_square(e.bound_x, c.x, n, down.gives + stride * i + p,
                       across.gives + stride * j + q, step, k,
                       twice(of.grad_x, filtered(of, in, flipped)));
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

Results run(const WinogradCase& c, const Tensor& x, const Tensor& w, const Tensor& g) {
  Results r{unset(c.y()), unset(c.x), unset(c.w)};
  kernels::cpu::winograd_forward(c.shape(), x.data<float>(), w.data<float>(),
                                 kernels::cpu::Epilogue<float>({}), r.y.data());
  kernels::cpu::winograd_input_grad(c.shape(), g.data<float>(), w.data<float>(), r.grad_x.data());
  kernels::cpu::winograd_weight_grad(c.shape(), x.data<float>(), g.data<float>(), r.grad_w.data());
  return r;
}

Values doubles(const std::vector<float>& v) { return {v.begin(), v.end()}; }

TEST(Winograd, EqualsPlainSumsWithinItsBound) {
  for (const WinogradCase& c : winograd_cases()) {
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
  const WinogradCase three{{4, 16, 16, 64}, {64, 3, 3, 64}, 1, 1},
      five{{4, 12, 12, 24}, {24, 5, 5, 24}, 1, 0}, strided{{4, 16, 16, 32}, {64, 3, 3, 32}, 2, 1};
  for (const WinogradCase& c : {three, five, strided}) {
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
    kernels::conv2d_forward(wide(x), wide(w), c.options(), {}, y);
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
  const WinogradCase c{{pixels / 64 + 1, 8, 8, 16}, {16, 3, 3, 16}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
  const Tensor g = uniform<float>(c.y(), 3);
  const Results all = run(c, x, w, g);
  // The first images alone, whose results are small.
  const WinogradCase few{{8, 8, 8, 16}, c.w, 1, 1};
  const Results some = run(few, x, w, g);
  EXPECT_TRUE(std::equal(some.y.begin(), some.y.end(), all.y.begin()));
  EXPECT_TRUE(std::equal(some.grad_x.begin(), some.grad_x.end(), all.grad_x.begin()));
  EXPECT_TRUE(std::none_of(all.y.begin(), all.y.end(), [](float v) { return std::isnan(v); }));
  EXPECT_TRUE(
      std::none_of(all.grad_x.begin(), all.grad_x.end(), [](float v) { return std::isnan(v); }));
}

TEST(Winograd, SameBitsForAnyNumberOfThreads) {
  const int before = kernels::threads();
  for (const WinogradCase& c : winograd_cases()) {
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

/// y's channels against sums in double. A tile's deviations d from its part's first pixel are added
/// up in float: 16 of them, and as many squares, of which each is rounded. No |d| is more than the
/// range of the channel, nor do their means deviate more.
void expect_statistics_of(const Tensor& y, const Tensor& mean, const Tensor& variance) {
  const auto values = y.to_vector<double>(), means = mean.to_vector<double>(),
             variances = variance.to_vector<double>();
  const std::size_t channels = means.size(), rows = values.size() / channels;
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0.0, squares = 0.0, least = values[c], most = values[c];
    for (std::size_t i = c; i < values.size(); i += channels) {
      sum += values[i];
      least = std::min(least, values[i]);
      most = std::max(most, values[i]);
    }
    const double expected = sum / static_cast<double>(rows), range = most - least;
    for (std::size_t i = c; i < values.size(); i += channels)
      squares += (values[i] - expected) * (values[i] - expected);
    EXPECT_LE(std::abs(means[c] - expected), kEps * (std::abs(expected) + 18 * range)) << c;
    EXPECT_LE(std::abs(variances[c] - squares / static_cast<double>(rows)),
              kEps * (18 + 2 * 18) * range * range)
        << c;
  }
}

// Taken on the way to memory where the channels fill vectors, and else in a pass of their own.
TEST(Winograd, StatisticsAreThoseOfTheResult) {
  const int before = kernels::threads();
  std::vector<WinogradCase> cases = winograd_cases();
  std::erase_if(cases, [](const WinogradCase& c) { return c.x[0] == 0; });
  const std::int64_t many = 2 * kernels::cpu::caches().second / (16 * 64 * 4) + 1;
  cases.push_back({{many, 8, 8, 16}, {16, 3, 3, 16}, 1, 1});
  cases.push_back({{5, 30, 27, 9}, {32, 3, 3, 9}, 1, 1});
  cases.push_back({{6, 34, 31, 16}, {48, 3, 3, 16}, 2, 1});
  cases.push_back({{4, 22, 19, 10}, {16, 5, 5, 10}, 1, 2});
  cases.push_back({{4, 42, 37, 10}, {16, 5, 5, 10}, 2, 2});
  for (const double centre : {0.0, 1e3})
    for (const WinogradCase& c : cases) {
      SCOPED_TRACE(::testing::Message() << c << " around " << centre);
      const Tensor x = uniform<float>(c.x, 1, centre - 1.0, centre + 1.0);
      const Tensor w = uniform<float>(c.w, 2);
      const auto outs = c.y()[3];
      const auto run = [&](int threads) {
        kernels::set_threads(threads);
        const Tensor y = uniform<float>(c.y(), 3), mean = uniform<float>({outs}, 4),
                     variance = uniform<float>({outs}, 5);
        kernels::conv2d_with_statistics(x, w, c.options(), y, mean, variance);
        return std::vector{y, mean, variance};
      };
      const std::vector<Tensor> found = run(1);
      const Tensor y = uniform<float>(c.y(), 6);
      kernels::conv2d_forward(x, w, c.options(), {}, y);
      EXPECT_EQ(found[0].to_vector<float>(), y.to_vector<float>());
      expect_statistics_of(y, found[1], found[2]);
      for (const int threads : {2, 3}) {
        const std::vector<Tensor> more = run(threads);
        for (std::size_t i = 0; i < found.size(); ++i)
          EXPECT_EQ(more[i].to_vector<float>(), found[i].to_vector<float>());
      }
    }
  kernels::set_threads(before);
}

TEST(Winograd, StatisticsNameWhatIsWrong) {
  const auto message = [](const Shape& x, const Shape& channels) {
    const Shape w{16, 3, 3, 16};
    const Conv2dOptions options{.pad_h = 1, .pad_w = 1};
    return testing::message_of([&] {
      kernels::conv2d_with_statistics(uniform<float>(x), uniform<float>(w), options,
                                      uniform<float>(kernels::conv2d_shape(x, w, options)),
                                      uniform<float>(channels), uniform<float>({16}));
    });
  };
  EXPECT_TRUE(
      testing::contains(message({0, 8, 8, 16}, {16}), "[conv2d_with_statistics]", "[0, 8, 8, 16]"));
  EXPECT_TRUE(testing::contains(message({2, 8, 8, 16}, {15}), "[batch_statistics]", "[15]"));
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
  EXPECT_TRUE(used({128, 16, 16, 32}, {64, 3, 3, 32},
                   {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}));
  EXPECT_FALSE(used({128, 32, 32, 3}, {16, 3, 3, 3}, padded));  // few channels
  EXPECT_FALSE(used({1, 8, 8, 64}, {64, 3, 3, 64}, padded));    // few tiles
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 8}, {.pad_h = 1, .pad_w = 1, .groups = 2}));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 5, 16}, padded));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, {.stride_h = 2, .stride_w = 2}));
  EXPECT_FALSE(used({0, 32, 32, 16}, {16, 3, 3, 16}, padded));
}

}  // namespace
}  // namespace rho
