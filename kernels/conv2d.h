// Contract of the convolution kernels. All tensors are contiguous, of one floating dtype. Operands
// are rounded as kernels/precision.h says.
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

/// What outputs go through before they are stored: y <- max(y + bias + residual, 0), of which every
/// part may be missing; NaN stays NaN.
struct Conv2dEpilogue {
  Tensor bias;      ///< [O]; undefined: none
  Tensor residual;  ///< like y; undefined: none
  bool relu = false;

  bool empty() const { return !bias.defined() && !residual.defined() && !relu; }
  void for_each_tensor(const auto& visit) const {
    visit(bias);
    visit(residual);
  }
};

/// Shape of y; throws, naming both shapes, where x, w and the options do not fit.
Shape conv2d_shape(const Shape& x, const Shape& w, const Conv2dOptions& options);

/// Throws unless y has the shape that x and w give, all of one dtype and contiguous.
void expect_conv2d(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& options);
/// Throws unless the epilogue's tensors fit y and are contiguous.
void expect_epilogue(const Conv2dEpilogue& then, const Tensor& y);

/// out = y(x, w), which has gone through `then`
inline constinit Slot<void(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                           const Conv2dEpilogue& then, const Tensor& out)>
    conv2d_forward{"conv2d"};

/// y as without an epilogue, and mean and (biased) variance [O] of its channels as
/// batch_statistics gives them, in one pass over y where that can be; y has values.
inline constinit Slot<void(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                           const Tensor& y, const Tensor& mean, const Tensor& variance)>
    conv2d_with_statistics{"conv2d_with_statistics"};

using Conv2dGradKernel = void(const Tensor& a, const Tensor& b, const Conv2dOptions& options,
                              const Tensor& out);
/// (grad_y, w) -> grad_x, overwritten
inline constinit Slot<Conv2dGradKernel> conv2d_input_grad{"conv2d_input_grad"};
/// (x, grad_y) -> grad_w, overwritten
inline constinit Slot<Conv2dGradKernel> conv2d_weight_grad{"conv2d_weight_grad"};

}  // namespace rho::kernels
