// The input gradient of a convolution of few input channels, channels last: they would leave most
// of a vector empty. So every pixel of the output gradient times all weights, which fill vectors
// tap by tap, is added to the pixels that it came from.
#pragma once

#include "kernels/conv2d.h"
#include "kernels/cpu/image_view.h"
#include "kernels/cpu/integers.h"
#include "kernels/cpu/micro_kernel.h"

namespace rho::kernels::cpu {

/// grad_x[n, i * stride_h + a - pad_h, j * stride_w + b - pad_w, c] += sum over o of
///   grad_y[n, i, j, o] * w[o, a, b, c]
/// Of one group.
template <class T>
struct ScatteredInputGradient {
  std::int64_t images;
  Image<T> grad_y;  // the first one
  const T* w;
  std::int64_t taps_h, taps_w;
  Conv2dOptions options;
  std::int64_t height, width, ins;  // of x
  T* grad_x;

  /// Whether vectors are fuller by so much that the additions pay: those of all weights of an
  /// output channel, and those of each tap.
  static bool pays(std::int64_t taps, std::int64_t ins) {
    const std::int64_t lanes = micro_kernels<T>().lanes;
    return 2 * ceil_div(taps * ins, lanes) <= taps * ceil_div(ins, lanes);
  }

  void run() const;

 private:
  std::int64_t filter() const { return taps_h * taps_w * ins; }
  Panels<T> columns() const { return {filter(), micro_kernels<T>().widest(Rows::Contiguous)}; }
  /// Of image n, with one thread.
  void one(std::int64_t n, const T* packed) const;
};

}  // namespace rho::kernels::cpu
