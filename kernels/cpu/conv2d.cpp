// Convolution in one of three ways: as a product of matrices, by Winograd's algorithm, or as direct
// sums. The direct input gradient is the same routine on the output gradient with flipped weights,
// once for each phase of the stride, or where the input has few channels, scattered products.
#include "kernels/conv2d.h"

#include <algorithm>

#include "kernels/batch_norm.h"
#include "kernels/cpu/direct_conv2d.h"
#include "kernels/cpu/direct_weight_grad.h"
#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/integers.h"
#include "kernels/cpu/scattered_input_grad.h"
#include "kernels/cpu/winograd.h"
#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "kernels/provider.h"

namespace rho::kernels {
namespace {

/// Rounds towards minus infinity; b > 0.
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

template <class T>
cpu::Image<T> first_image(const Tensor& t) {
  return {t.data<T>(), t.size(1), t.size(2), t.size(3)};
}

/// Terms of an output where the convolution is a product of matrices, because no two outputs see
/// the same pixel: one sees the whole image, or one pixel; else 0.
std::int64_t product_terms(const Tensor& x, const Tensor& w, const Conv2dOptions& o) {
  const bool whole = w.size(1) == x.size(1) && w.size(2) == x.size(2);
  const bool one = w.size(1) == 1 && w.size(2) == 1 && o.stride_h == 1 && o.stride_w == 1;
  if (o.groups != 1 || o.pad_h != 0 || o.pad_w != 0 || w.numel() == 0) return 0;
  return whole || one ? w.size(1) * w.size(2) * w.size(3) : 0;
}
Tensor rows_of(const Tensor& t, std::int64_t columns) {
  return t.view({t.numel() / columns, columns});
}

void forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
             const Conv2dEpilogue& then, const Tensor& y) {
  expect_conv2d(x, w, y, options);
  expect_epilogue(then, y);
  expect_ieee_products("conv2d", y);
  expect_own_products("conv2d", y);
  if (const std::int64_t terms = product_terms(x, w, options)) {
    matmul(rows_of(x, terms), rows_of(w, terms).transpose(0, 1), rows_of(y, w.size(0)));
    return cpu::apply_epilogue(then, y);
  }
  if (const auto shape = cpu::winograd_of(x, w, y, options))
    return cpu::winograd_forward(*shape, x.data<float>(), w.data<float>(),
                                 cpu::Epilogue<float>(then), y.data<float>());
  dispatch_floating(x.dtype(), "conv2d", [&]<class T>() {
    const std::int64_t taps_h = w.size(1), taps_w = w.size(2), ins = w.size(3);
    const std::int64_t outs = w.size(0) / options.groups;
    const std::int64_t filter = taps_h * taps_w * ins;
    if (ins == 0) {
      std::fill_n(y.data<T>(), y.numel(), T{0});
      return cpu::apply_epilogue(then, y);
    }
    cpu::Direct<T>{.images = x.size(0),
                   .image = first_image<T>(x),
                   .weights = {w.data<T>(), outs * filter, taps_w * ins, ins, 1, filter},
                   .groups = options.groups,
                   .ins = ins,
                   .outs = outs,
                   .taps_h = taps_h,
                   .taps_w = taps_w,
                   .stride_h = options.stride_h,
                   .stride_w = options.stride_w,
                   .top = options.pad_h,
                   .left = options.pad_w,
                   .height = y.size(1),
                   .width = y.size(2),
                   .then = cpu::Epilogue<T>(then),
                   .out = y.data<T>(),
                   .out_image = y.size(1) * y.size(2) * y.size(3),
                   .out_row = y.size(2) * y.size(3),
                   .out_column = y.size(3)}
        .run();
  });
}

/// The pixels h of the input with (h + pad) mod stride = phase: they meet the taps phase + stride
/// t, t < taps, and are h = phase - pad + stride (first + i), i < count, of which pixel i meets
/// output row first + i - t.
struct Phase {
  Phase(std::int64_t phase_, std::int64_t stride, std::int64_t pad, std::int64_t kernel,
        std::int64_t extent)
      : phase(phase_),
        taps(phase < kernel ? cpu::ceil_div(kernel - phase, stride) : 0),
        first(-floor_div(phase - pad, stride)),
        count(floor_div(extent - 1 + pad - phase, stride) - first + 1),
        start(phase - pad + stride * first) {}

  std::int64_t phase, taps, first, count, start;
};

void input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                const Tensor& grad_x) {
  expect_conv2d(grad_x, w, grad_y, options);
  expect_ieee_products("conv2d_input_grad", grad_x);
  expect_own_products("conv2d_input_grad", grad_x);
  if (const std::int64_t terms = product_terms(grad_x, w, options))
    return matmul(rows_of(grad_y, w.size(0)), rows_of(w, terms), rows_of(grad_x, terms));
  if (const auto shape = cpu::winograd_of(grad_x, w, grad_y, options))
    return cpu::winograd_input_grad(*shape, grad_y.data<float>(), w.data<float>(),
                                    grad_x.data<float>());
  dispatch_floating(grad_y.dtype(), "conv2d_input_grad", [&]<class T>() {
    const auto& [stride_h, stride_w, pad_h, pad_w, groups] = options;
    const std::int64_t kernel_h = w.size(1), kernel_w = w.size(2), outs = w.size(3);
    const std::int64_t ins = w.size(0) / groups;
    if (groups == 1 && cpu::ScatteredInputGradient<T>::pays(kernel_h * kernel_w, outs))
      return cpu::ScatteredInputGradient<T>{.images = grad_x.size(0),
                                            .grad_y = first_image<T>(grad_y),
                                            .w = w.data<T>(),
                                            .taps_h = kernel_h,
                                            .taps_w = kernel_w,
                                            .options = options,
                                            .height = grad_x.size(1),
                                            .width = grad_x.size(2),
                                            .ins = outs,
                                            .grad_x = grad_x.data<T>()}
          .run();
    const std::int64_t filter = kernel_h * kernel_w * outs;
    const std::int64_t row = grad_x.size(2) * grad_x.size(3), column = grad_x.size(3);
    // Pixels of phases without taps take part in no output.
    if (ins == 0 || kernel_h < stride_h || kernel_w < stride_w)
      std::fill_n(grad_x.data<T>(), grad_x.numel(), T{0});
    if (ins == 0) return;
    for (std::int64_t phase_h = 0; phase_h < std::min(stride_h, kernel_h); ++phase_h)
      for (std::int64_t phase_w = 0; phase_w < std::min(stride_w, kernel_w); ++phase_w) {
        const Phase h(phase_h, stride_h, pad_h, kernel_h, grad_x.size(1));
        const Phase v(phase_w, stride_w, pad_w, kernel_w, grad_x.size(2));
        const std::int64_t last_tap =
            (phase_h + stride_h * (h.taps - 1)) * kernel_w + phase_w + stride_w * (v.taps - 1);
        cpu::Direct<T>{.images = grad_x.size(0),
                       .image = first_image<T>(grad_y),
                       .weights = {w.data<T>() + last_tap * outs, ins * filter,
                                   -stride_h * kernel_w * outs, -stride_w * outs, filter, 1},
                       .groups = groups,
                       .ins = ins,
                       .outs = outs,
                       .taps_h = h.taps,
                       .taps_w = v.taps,
                       .stride_h = 1,
                       .stride_w = 1,
                       .top = h.taps - 1 - h.first,
                       .left = v.taps - 1 - v.first,
                       .height = h.count,
                       .width = v.count,
                       .out = grad_x.data<T>() + h.start * row + v.start * column,
                       .out_image = grad_x.size(1) * row,
                       .out_row = stride_h * row,
                       .out_column = stride_w * column}
            .run();
      }
  });
}

void weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                 const Tensor& grad_w) {
  expect_conv2d(x, grad_w, grad_y, options);
  expect_ieee_products("conv2d_weight_grad", grad_w);
  expect_own_products("conv2d_weight_grad", grad_w);
  if (const std::int64_t terms = product_terms(x, grad_w, options))
    return matmul(rows_of(grad_y, grad_w.size(0)).transpose(0, 1), rows_of(x, terms),
                  rows_of(grad_w, terms));
  if (const auto shape = cpu::winograd_of(x, grad_w, grad_y, options))
    return cpu::winograd_weight_grad(*shape, x.data<float>(), grad_y.data<float>(),
                                     grad_w.data<float>());
  dispatch_floating(x.dtype(), "conv2d_weight_grad", [&]<class T>() {
    cpu::WeightGradient<T>{.images = x.size(0),
                           .x = first_image<T>(x),
                           .grad_y = first_image<T>(grad_y),
                           .taps_h = grad_w.size(1),
                           .taps_w = grad_w.size(2),
                           .options = options,
                           .grad_w = grad_w.data<T>()}
        .run();
  });
}

void with_statistics(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                     const Tensor& y, const Tensor& mean, const Tensor& variance) {
  expect_conv2d(x, w, y, options);
  check(y.numel() > 0, "conv2d_with_statistics", "of no values: shape ", y.shape());
  const Tensor rows = rows_of(y, w.size(0));
  expect_batch_statistics(rows, mean, variance);
  const auto shape = cpu::winograd_of(x, w, y, options);
  if (shape && cpu::sums_channels(*shape)) {
    expect_ieee_products("conv2d", y);
    expect_own_products("conv2d", y);
    return cpu::winograd_forward(*shape, x.data<float>(), w.data<float>(), y.data<float>(), mean,
                                 variance);
  }
  forward(x, w, options, {}, y);
  batch_statistics(rows, mean, variance);
}

const Fill fill_forward{conv2d_forward, DeviceType::CPU, &forward};
const Fill fill_with_statistics{conv2d_with_statistics, DeviceType::CPU, &with_statistics};
const Fill fill_input_grad{conv2d_input_grad, DeviceType::CPU, &input_grad};
const Fill fill_weight_grad{conv2d_weight_grad, DeviceType::CPU, &weight_grad};

}  // namespace
}  // namespace rho::kernels
