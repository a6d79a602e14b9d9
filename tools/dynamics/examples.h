// Small training sets of two classes.
#pragma once

#include <cstdint>

#include "tools/dynamics/vector.h"

namespace rho::dynamics {

/// N examples x_n with labels y_n of -1 or +1.
struct Examples {
  std::size_t inputs = 0;  ///< numbers an example
  Vector x;                ///< [N, inputs], row-major
  Vector y;                ///< [N]

  std::size_t count() const { return y.size(); }
  std::span<const double> example(std::size_t n) const {
    return std::span(x).subspan(n * inputs, inputs);
  }
};

/// Two Gaussian clouds of standard deviation 1/2 in the plane, around (1.5, 1) and its negative,
/// `count` examples in all. Those with y <u, x> < 0.3 for u = (1.5, 1) / ||(1.5, 1)|| are drawn
/// again, so that a line through the origin separates the classes.
Examples two_clouds(std::int64_t count, std::int64_t seed);

/// Fisher's irises: the 50 setosa (y = +1) and the 50 versicolor (y = -1), sepal length, sepal
/// width, petal length, petal width in cm, as they are. With `bias` a fifth input is 1.
Examples iris(bool bias);

}  // namespace rho::dynamics
