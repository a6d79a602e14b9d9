// Convolution by Winograd's minimal filtering (Winograd 1980; Lavin and Gray 2016), in the schemes
// of winograd_transforms.h: 3 x 3 taps cost 2.25 multiplications an output instead of 9, with
// stride 2 5.06 of them; 5 x 5 taps 4 instead of 25, with stride 2 7.56. For 5 x 5 taps, a stride s
// splits image and filter into s^2 phases, each a convolution of stride 1 with at most ceil(5 / s)
// taps.
//
// Rounding: with u = 2^-24, |found - exact| <= 2 (K + 40) u |E|^T [(|S E| |w|) * (|B|^T |x|)], K
// products in the sum over channels and phases, bars taking absolute values of each transform's
// entries. In norm the error is about 2e-6 of the result, ten times that of a direct sum.
#pragma once

#include <functional>
#include <optional>

#include "kernels/conv2d.h"
#include "kernels/cpu/epilogue.h"

namespace rho::kernels::cpu {

/// x [images, height, width, ins], w [outs, kernel, kernel, ins],
/// y [images, out_height, out_width, outs]
struct WinogradShape {
  std::int64_t images, height, width, ins;
  std::int64_t out_height, out_width, outs;
  std::int64_t kernel, stride, pad_h, pad_w;

  /// 3 x 3 taps with stride 2: a scheme of its own.
  bool strided() const { return kernel == 3 && stride == 2; }
  std::int64_t phases() const { return strided() ? 1 : stride * stride; }
  std::int64_t step() const { return strided() ? 1 : stride; }  ///< between pixels of one phase
  std::int64_t taps() const { return strided() ? 3 : (kernel + stride - 1) / stride; }
};

/// Takes a result instead of memory.
struct Receiver {
  /// Is handed `count` elements, from `first` on, that are in cache. Which of them make up a
  /// stretch depends on the shape alone.
  std::function<void(std::int64_t stretch, std::int64_t first, std::int64_t count,
                     const float* values)>
      take;
  /// What take() reads besides, laid out like the result: asked for ahead. Any may be null.
  const float* read[3] = {};

  void prefetch(std::int64_t first, std::int64_t last) const {
    for (const float* matrix : read)
      for (std::int64_t i = first; matrix != nullptr && i < last; i += 16)
        __builtin_prefetch(matrix + i, 0, 2);
  }
};

/// The shape, where the algorithm can be used and is faster than direct sums.
std::optional<WinogradShape> winograd_shape(const Shape& x, const Shape& w, const Shape& y,
                                            const Conv2dOptions& options);
/// The same of tensors. Float alone: in double the point is the last digit.
inline std::optional<WinogradShape> winograd_of(const Tensor& x, const Tensor& w, const Tensor& y,
                                                const Conv2dOptions& options) {
  if (x.dtype() != DType::Float32) return std::nullopt;
  return winograd_shape(x.shape(), w.shape(), y.shape(), options);
}

void winograd_forward(const WinogradShape& shape, const float* x, const float* w,
                      const Epilogue<float>& then, float* y);
/// Without an epilogue; and mean and variance of y's channels [outs], of which there are whole
/// vectors: see sums_channels.
void winograd_forward(const WinogradShape& shape, const float* x, const float* w, float* y,
                      const Tensor& mean, const Tensor& variance);
inline bool sums_channels(const WinogradShape& shape) { return shape.outs % 16 == 0; }
void winograd_input_grad(const WinogradShape& shape, const float* grad_y, const float* w,
                         float* grad_x);
/// The same, handed over in stretches [input_grad_stretches].
void winograd_input_grad(const WinogradShape& shape, const float* grad_y, const float* w,
                         const Receiver& receiver);
std::int64_t input_grad_stretches(const WinogradShape& shape);
void winograd_weight_grad(const WinogradShape& shape, const float* x, const float* grad_y,
                          float* grad_w);

}  // namespace rho::kernels::cpu
