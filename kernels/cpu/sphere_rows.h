// Rows on spheres: the normal of each, and loops over pieces of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/cpu/column_sums.h"

namespace rho::kernels::cpu {

/// With p = 2 the normal is the point.
struct Itself {
  double operator()(double v, std::int64_t) const { return v; }
};

/// Calls body(n_of) with what makes n_i of (V_i, i); with p = infinity, peak is where n is not 0.
template <class Body>
void with_normal(double p, std::int64_t peak, const Body& body) {
  const auto sign = [](double v) { return static_cast<double>((v > 0.0) - (v < 0.0)); };
  if (p == 2.0)
    body(Itself{});
  else if (p == 1.0)
    body([=](double v, std::int64_t) { return sign(v); });
  else if (std::isinf(p))
    body([=](double v, std::int64_t i) { return i == peak ? sign(v) : 0.0; });
  else
    body([=](double v, std::int64_t) { return sign(v) * std::pow(std::abs(v), p - 1.0); });
}

template <class T>
struct Rows {
  const T *v, *u, *g;  // u and g may be null
};

/// body(row, first, last) on pieces of every row, cut by the shape alone. Small rows go to a thread
/// in groups.
template <class Body>
void for_each_piece(std::int64_t rows, std::int64_t columns, const Body& body) {
  const std::int64_t pieces = (columns + kSumChunk - 1) / kSumChunk;
  parallel_ranges(rows * pieces, columns > 0 ? kSumChunk / columns : rows,
                  [&](std::int64_t piece, std::int64_t end) {
                    for (; piece < end; ++piece) {
                      const std::int64_t first = piece % pieces * kSumChunk;
                      body(piece / pieces, first, std::min(first + kSumChunk, columns));
                    }
                  });
}

}  // namespace rho::kernels::cpu
