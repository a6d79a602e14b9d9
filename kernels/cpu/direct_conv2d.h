// Direct convolution, channels last: the micro-kernel reads its rows straight from the image, so no
// matrix of patches is ever built.
#pragma once

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/image_view.h"
#include "kernels/cpu/micro_kernel.h"

namespace rho::kernels::cpu {

/// Weight of (group, tap row a, tap column b, channel in, channel out) as strides into one tensor,
/// of which that of `in` or `out` is 1.
template <class T>
struct Weights {
  const T* data;
  std::int64_t group, a, b, in, out;
};

/// out[n, i, j, g * outs + o] = sum over a, b, c of
///   image_n[i * stride_h + a - top, j * stride_w + b - left, g * ins + c] * weight(g, a, b, c, o),
/// which has gone through `then`.
template <class T>
struct Direct {
  std::int64_t images;
  Image<T> image;  // the first one
  Weights<T> weights;
  std::int64_t groups, ins, outs;  // channels of one group
  std::int64_t taps_h, taps_w;
  std::int64_t stride_h, stride_w, top, left;
  std::int64_t height, width;  // of the output
  Epilogue<T> then{{}};
  T* out;
  std::int64_t out_image, out_row, out_column;  // output strides

  void run() const;

 private:
  std::int64_t depth() const { return taps_h * taps_w * ins; }
  Panels<T> columns() const { return {outs, micro_kernels<T>().widest(Rows::Contiguous)}; }
  /// Where the image holds the taps of one pixel consecutively.
  std::int64_t segments() const { return groups == 1 ? taps_h : taps_h * taps_w; }
  std::int64_t length() const { return groups == 1 ? taps_w * ins : ins; }
  /// Segments of the first `tap_rows` tap rows.
  std::int64_t segments_before(std::int64_t tap_rows) const {
    return std::clamp<std::int64_t>(tap_rows, 0, taps_h) * (segments() / taps_h);
  }
  void pack(T* packed) const;
  void pack_bias(T* packed) const;
  void rows(std::int64_t n, std::int64_t begin, std::int64_t end, const T* packed,
            const T* bias) const;
};

}  // namespace rho::kernels::cpu
