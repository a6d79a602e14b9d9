#include "tests/support/winograd_bound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/winograd_transforms.h"

namespace rho::testing {
namespace {

using kernels::cpu::WinogradShape;

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

}  // namespace

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

}  // namespace rho::testing
