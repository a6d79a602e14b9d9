// Lists of numbers, and the little arithmetic that flows need.
#pragma once

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "tensor/error.h"

namespace rho::dynamics {

using Vector = std::vector<double>;

inline double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
inline double norm(std::span<const double> a) { return std::sqrt(dot(a, a)); }

/// a / ||a||. Throws where a is zero.
inline Vector direction(const Vector& a) {
  const double length = norm(a);
  check(length > 0.0, "direction", "the vector is zero");
  Vector out = a;
  for (double& value : out) value /= length;
  return out;
}

/// ||a - b||.
inline double distance(const Vector& a, const Vector& b) {
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

/// The tangent of the angle between w and the unit vector `limit`: ||w / ||w|| - limit|| to first
/// order. Where `limit` is a coordinate axis it keeps its digits however small it is.
inline double tangent(const Vector& w, const Vector& limit) {
  const double along = dot(w, limit);
  double across = 0.0;  // hypot: squares of tiny angles would underflow
  for (std::size_t i = 0; i < w.size(); ++i) across = std::hypot(across, w[i] - along * limit[i]);
  return across / along;
}

/// (1, -1, 1, ...) / 2: where the flows of linear networks start.
inline Vector alternating(std::size_t size) {
  Vector out(size, 0.5);
  for (std::size_t i = 1; i < size; i += 2) out[i] = -0.5;
  return out;
}

}  // namespace rho::dynamics
