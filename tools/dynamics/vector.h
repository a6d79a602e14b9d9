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

}  // namespace rho::dynamics
