// Contracts of pooling on contiguous channels-last maps x [N, H, W, C] -> y [N, OH, OW, C] with
//   OH = (H + 2 pad_h - size_h) / stride_h + 1 (floor), OW alike. One floating dtype.
#pragma once

#include <algorithm>

#include "kernels/slot.h"

namespace rho::kernels {

struct Pool2dOptions {
  std::int64_t size_h = 2, size_w = 2;
  std::int64_t stride_h = 2, stride_w = 2;
  std::int64_t pad_h = 0, pad_w = 0;
};

/// Rows and columns of x [N, H, W, C] that the window of y[., i, j, .] sees: the same text on every
/// device.
struct PoolWindow {
  std::int64_t top, bottom, left, right;

  constexpr PoolWindow(std::int64_t height, std::int64_t width, const Pool2dOptions& o,
                       std::int64_t i, std::int64_t j)
      : top(std::max<std::int64_t>(i * o.stride_h - o.pad_h, 0)),
        bottom(std::min(i * o.stride_h - o.pad_h + o.size_h, height)),
        left(std::max<std::int64_t>(j * o.stride_w - o.pad_w, 0)),
        right(std::min(j * o.stride_w - o.pad_w + o.size_w, width)) {}
};

/// What an element counts for in the mean of its window.
template <class T>
constexpr T pool_share(const Pool2dOptions& o) {
  return T{1} / static_cast<T>(o.size_h * o.size_w);
}

/// Shape of y; throws, naming `op`, where the options do not fit. Padding is at most half a window,
/// so that every window sees an element.
Shape pool2d_shape(const Shape& x, const Pool2dOptions& options, std::string_view op);

/// Throws, naming `op`, unless y has the shape that x gives, and both are contiguous.
void expect_maps(std::string_view op, const Tensor& x, const Pool2dOptions& options,
                 const Tensor& y);

/// values = the largest element of each window, positions (int64) = its first row-major position in
/// x. Padding never wins; a NaN does.
inline constinit Slot<void(const Tensor& x, const Pool2dOptions& options, const Tensor& values,
                           const Tensor& positions)>
    max_pool2d{"max_pool2d"};

/// y = the sum of each window, padding counting as zeros, over size_h * size_w.
inline constinit Slot<void(const Tensor& x, const Pool2dOptions& options, const Tensor& y)>
    avg_pool2d{"avg_pool2d"};
/// The adjoint of avg_pool2d: grad_y -> grad_x, overwritten.
inline constinit Slot<void(const Tensor& grad_y, const Pool2dOptions& options,
                           const Tensor& grad_x)>
    avg_pool2d_grad{"avg_pool2d_grad"};

}  // namespace rho::kernels
