// Contract of the convolution kernels. All tensors are contiguous, of one floating dtype.
//   x [N, H, W, C], w [O, KH, KW, C / groups], y [N, OH, OW, O]
//   OH = (H + 2 pad_h - KH) / stride_h + 1, OW = (W + 2 pad_w - KW) / stride_w + 1
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

struct Conv2dOptions {
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_h = 0, pad_w = 0;
  std::int64_t groups = 1;
};

/// Shape of y; throws, naming both shapes, where x, w and the options do not fit.
Shape conv2d_shape(const Shape& x, const Shape& w, const Conv2dOptions& options);

/// Throws unless y has the shape that x and w give, all of one dtype and contiguous.
void expect_conv2d(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& options);

using Conv2dKernel = void(const Tensor& a, const Tensor& b, const Conv2dOptions& options,
                          const Tensor& out);
/// out = y(x, w)
inline constinit Slot<Conv2dKernel> conv2d_forward{"conv2d"};
/// (grad_y, w) -> grad_x, overwritten
inline constinit Slot<Conv2dKernel> conv2d_input_grad{"conv2d_input_grad"};
/// (x, grad_y) -> grad_w, overwritten
inline constinit Slot<Conv2dKernel> conv2d_weight_grad{"conv2d_weight_grad"};

}  // namespace rho::kernels
