// A convolution as a benchmark's case: its three directions, its operations, its reference.
#pragma once

#include "bench/support/check.h"
#include "kernels/conv2d.h"

namespace rho::bench {

enum class Direction { Forward, InputGradient, WeightGradient };

struct Convolution {
  Shape x, w;
  kernels::Conv2dOptions options = {};
};

/// Products that its output is the sum of, and so is each of its gradients. Those with the padding
/// are not counted: nobody has to compute them.
inline double products(const Convolution& of) {
  const auto& [x, w, options] = of;
  const Shape y = kernels::conv2d_shape(x, w, options);
  // Pairs of an output and a tap whose input exists, along one dimension.
  const auto pairs = [](std::int64_t inputs, std::int64_t outputs, std::int64_t taps,
                        std::int64_t stride, std::int64_t pad) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < outputs; ++i)
      for (std::int64_t a = 0; a < taps; ++a) {
        const std::int64_t at = i * stride + a - pad;
        count += at >= 0 && at < inputs ? 1 : 0;
      }
    return static_cast<double>(count);
  };
  return static_cast<double>(y[0] * w[0] * w[3]) *
         pairs(x[1], y[1], w[1], options.stride_h, options.pad_h) *
         pairs(x[2], y[2], w[2], options.stride_w, options.pad_w);
}

/// What one element of a convolution's output or gradient is the sum of: the terms of
///   y[n, i, j, o] = sum of x[n, i stride + a - pad, j stride + b - pad, c] w[o, a, b, c].
class ConvolutionReference {
 public:
  ConvolutionReference(Direction direction, const Convolution& layer, const Shape& y)
      : direction_(direction), layer_(layer), y_(y) {}

  /// a, b: the two operands (kernels/conv2d.h); `at`: the element.
  ReferenceSum sum(const Tensor& a, const Tensor& b, const Dims& at) const {
    switch (direction_) {
      case Direction::Forward:
        return forward(a, b, at);
      case Direction::InputGradient:
        return input_gradient(a, b, at);
      case Direction::WeightGradient:
        return weight_gradient(a, b, at);
    }
    return {};
  }

 private:
  ReferenceSum forward(const Tensor& x, const Tensor& w, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t a = 0; a < w.size(1); ++a)
      for (std::int64_t b = 0; b < w.size(2); ++b) {
        const std::int64_t h = row(at[1], a), v = column(at[2], b);
        if (!inside(h, v)) continue;
        for (std::int64_t c = 0; c < w.size(3); ++c)
          sum.add(value(x, {at[0], h, v, c}), value(w, {at[3], a, b, c}));
      }
    return sum;
  }
  ReferenceSum input_gradient(const Tensor& grad_y, const Tensor& w, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t i = 0; i < y_[1]; ++i)
      for (std::int64_t j = 0; j < y_[2]; ++j) {
        const std::int64_t a = at[1] - row(i, 0), b = at[2] - column(j, 0);
        if (a < 0 || a >= w.size(1) || b < 0 || b >= w.size(2)) continue;
        for (std::int64_t o = 0; o < w.size(0); ++o)
          sum.add(value(grad_y, {at[0], i, j, o}), value(w, {o, a, b, at[3]}));
      }
    return sum;
  }
  ReferenceSum weight_gradient(const Tensor& x, const Tensor& grad_y, const Dims& at) const {
    ReferenceSum sum;
    for (std::int64_t n = 0; n < y_[0]; ++n)
      for (std::int64_t i = 0; i < y_[1]; ++i)
        for (std::int64_t j = 0; j < y_[2]; ++j) {
          const std::int64_t h = row(i, at[1]), v = column(j, at[2]);
          if (inside(h, v)) sum.add(value(x, {n, h, v, at[3]}), value(grad_y, {n, i, j, at[0]}));
        }
    return sum;
  }

  std::int64_t row(std::int64_t i, std::int64_t a) const {
    return i * layer_.options.stride_h + a - layer_.options.pad_h;
  }
  std::int64_t column(std::int64_t j, std::int64_t b) const {
    return j * layer_.options.stride_w + b - layer_.options.pad_w;
  }
  bool inside(std::int64_t h, std::int64_t v) const {
    return h >= 0 && h < layer_.x[1] && v >= 0 && v < layer_.x[2];
  }
  static double value(const Tensor& t, const Dims& at) {
    const Shape& s = t.shape();
    return static_cast<double>(
        t.data<float>()[((at[0] * s[1] + at[1]) * s[2] + at[2]) * s[3] + at[3]]);
  }

  Direction direction_;
  const Convolution& layer_;
  const Shape& y_;
};

}  // namespace rho::bench
