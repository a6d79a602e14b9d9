// Contract of the passes that optimizers on norm spheres are made of (optim/sphere.h combines them
// over the tensors that share one norm). Tensors are contiguous, float32 or float64, one shape.
// Sums are in double, over chunks that depend on the shape alone: the same bits on any number of
// threads.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/slot.h"

namespace rho::kernels {

/// The largest magnitude and its first position; NaN as soon as one element is; {0, -1} if empty.
struct Peak {
  double value = 0.0;
  std::int64_t index = -1;
};
/// peaks[t] of each of the tensors, which may have any shapes.
inline constinit Slot<void(const std::vector<Tensor>& tensors, std::vector<Peak>& peaks)> abs_max{
    "abs_max"};

/// sum = sum_i (|x_i| / scale)^p, p >= 1 and finite. scale = the largest magnitude avoids overflow.
inline constinit Slot<void(const Tensor& x, double p, double scale, double& sum)> abs_power_sum{
    "abs_power_sum"};

/// sum = sum_i a_i b_i.
inline constinit Slot<void(const Tensor& a, const Tensor& b, double& sum)> dot{"dot"};

// What the two below do to an element: the same text on every device.

struct SphereNormal {
  double p, norm;
  template <class T>
  constexpr T operator()(T element) const {
    const double value = static_cast<double>(element);
    if (p == 2.0) return static_cast<T>(value / norm);
    if (value == 0.0) return T{0};
    return static_cast<T>(std::copysign(std::pow(std::abs(value) / norm, p - 1.0), value));
  }
};
struct LinearCombination {
  double a, b;
  template <class T>
  constexpr T operator()(T x, T y) const {
    return static_cast<T>(a * static_cast<double>(x) + b * static_cast<double>(y));
  }
};

/// out_i = sign(x_i) (|x_i| / norm)^(p-1), p >= 1 and finite.
inline constinit Slot<void(const Tensor& x, double p, double norm, const Tensor& out)>
    sphere_normal{"sphere_normal"};

/// out = a x + b y, computed in double and rounded once; out may be x or y.
inline constinit Slot<void(double a, const Tensor& x, double b, const Tensor& y, const Tensor& out)>
    linear_combination{"linear_combination"};

}  // namespace rho::kernels
