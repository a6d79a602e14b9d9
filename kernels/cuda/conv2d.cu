// Convolutions as products whose operands are read straight from the maps (implicit GEMM).
#include "kernels/conv2d.h"
#include "kernels/cuda/tile_product.cuh"

namespace rho::kernels {
namespace {

/// Extents of one group, as a kernel's argument: x [N, H, W, C], w [O, KH, KW, C / groups].
struct Extents {
  int height, width, channels;              // of x
  int out_height, out_width, out_channels;  // of y
  int taps_h, taps_w;
  int ins, outs;  // channels of a group
  int stride_h, stride_w, pad_h, pad_w;

  Extents(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o)
      : height(narrow(x.size(1))),
        width(narrow(x.size(2))),
        channels(narrow(x.size(3))),
        out_height(narrow(y.size(1))),
        out_width(narrow(y.size(2))),
        out_channels(narrow(y.size(3))),
        taps_h(narrow(w.size(1))),
        taps_w(narrow(w.size(2))),
        ins(narrow(w.size(3))),
        outs(narrow(w.size(0) / o.groups)),
        stride_h(narrow(o.stride_h)),
        stride_w(narrow(o.stride_w)),
        pad_h(narrow(o.pad_h)),
        pad_w(narrow(o.pad_w)) {}

  static int narrow(std::int64_t extent) {
    check(extent <= INT32_MAX, "conv2d", "an extent of ", extent, " is too large for this device");
    return static_cast<int>(extent);
  }
  __device__ std::int64_t image() const { return std::int64_t{height} * width * channels; }
};

/// Offset of a tap, or of a pixel, from where its window begins.
struct Tap {
  int h, w, channel;

  Tap() = default;
  __device__ Tap(std::int64_t index, int width, int channels) {
    const int at = static_cast<int>(index);
    channel = at % channels;
    w = at / channels % width;
    h = at / (channels * width);
  }
};

/// A pixel of one of N maps [height, width].
struct Pixel {
  std::int64_t n;
  int h, w;

  __device__ Pixel(std::int64_t index, int height, int width) {
    w = static_cast<int>(index % width);
    index /= width;
    h = static_cast<int>(index % height);
    n = index / height;
  }
};

/// One map's rows and columns from (top, left) on.
template <class T>
struct View {
  const T* map;
  int top, left;
};

/// An element of a map [height, width, channels]; 0 outside.
template <class T>
__device__ T element(const T* map, int h, int w, int channel, int height, int width, int channels) {
  if (h < 0 || h >= height || w < 0 || w >= width) return T{0};
  return map[(std::int64_t{h} * width + w) * channels + channel];
}

// y: rows are the pixels of y, columns its channels, the depth is the taps.

template <class T>
struct Patches {
  static constexpr bool kAlongDepth = true;
  using Line = View<T>;
  using Step = Tap;

  Extents of;
  const T* x;

  __device__ Line line(std::int64_t pixel) const {
    const Pixel y(pixel, of.out_height, of.out_width);
    return {x + y.n * of.image(), y.h * of.stride_h - of.pad_h, y.w * of.stride_w - of.pad_w};
  }
  __device__ Step step(std::int64_t k) const { return {k, of.taps_w, of.ins}; }
  __device__ T at(const Line& from, const Step& tap) const {
    return element(from.map, from.top + tap.h, from.left + tap.w, tap.channel, of.height, of.width,
                   of.channels);
  }
};

template <class T>
struct Forward {
  std::int64_t rows, columns, depth, items;
  Patches<T> left;
  cuda::Strided<T, true> right;
  T* y;

  __device__ void select(std::int64_t group) {
    left.x += group * left.of.ins;
    right.data += group * columns * depth;
    y += group * columns;
  }
  __device__ void store(std::int64_t pixel, std::int64_t o, T value) const {
    y[pixel * left.of.out_channels + o] = value;
  }
};

void forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options, const Tensor& y) {
  expect_conv2d(x, w, y, options);
  const Extents of(x, w, y, options);
  const std::int64_t pixels = y.size(0) * y.size(1) * y.size(2);
  const std::int64_t depth = w.size(1) * w.size(2) * w.size(3);
  dispatch_floating(x.dtype(), "conv2d", [&]<class T>() {
    cuda::tile_product<T>("conv2d", x.device(),
                          Forward<T>{pixels,
                                     of.outs,
                                     depth,
                                     options.groups,
                                     {of, x.data<T>()},
                                     {w.data<T>(), depth, 1},
                                     y.data<T>()});
  });
}

// grad_x: rows are pixels of x, columns its channels, the depth is taps and channels of y. Pixels
// of one phase of the stride, h = first + stride i, see the taps `tap`, tap + stride, ..., and
// neighbours see neighbours of y: each phase is a convolution of stride 1.

struct Phase {
  int first, count;  // pixels
  int tap, taps;     // the first tap, and how many
  int out;           // the row of y that the first pixel sees with the first tap

  Phase(int index, int extent, int all_taps, int stride, int pad) {
    tap = index;
    taps = tap < all_taps ? (all_taps - tap - 1) / stride + 1 : 0;
    // The first h >= 0 with h + pad = tap modulo the stride.
    first = ((tap - pad) % stride + stride) % stride;
    count = first < extent ? (extent - first - 1) / stride + 1 : 0;
    out = (first + pad - tap) / stride;
  }
};

template <class T>
struct Gradients {
  static constexpr bool kAlongDepth = true;
  using Line = View<T>;
  using Step = Tap;

  Extents of;
  Phase down, across;
  const T* grad_y;

  __device__ Line line(std::int64_t pixel) const {
    const Pixel x(pixel, down.count, across.count);
    return {grad_y + x.n * of.out_height * of.out_width * of.out_channels, x.h + down.out,
            x.w + across.out};
  }
  __device__ Step step(std::int64_t k) const { return {k, across.taps, of.outs}; }
  __device__ T at(const Line& from, const Step& tap) const {
    return element(from.map, from.top - tap.h, from.left - tap.w, tap.channel, of.out_height,
                   of.out_width, of.out_channels);
  }
};

template <class T>
struct Channels {
  static constexpr bool kAlongDepth = false;
  using Line = const T*;
  using Step = std::int64_t;

  Extents of;
  Phase down, across;
  const T* w;

  __device__ Line line(std::int64_t channel) const { return w + channel; }
  __device__ Step step(std::int64_t k) const {
    const Tap tap(k, across.taps, of.outs);
    const int h = down.tap + tap.h * of.stride_h, v = across.tap + tap.w * of.stride_w;
    return ((std::int64_t{tap.channel} * of.taps_h + h) * of.taps_w + v) * of.ins;
  }
  __device__ T at(Line line, Step step) const { return line[step]; }
};

template <class T>
struct InputGrad {
  std::int64_t rows, columns, depth, items;
  Gradients<T> left;
  Channels<T> right;
  T* grad_x;

  __device__ void select(std::int64_t group) {
    const Extents& of = left.of;
    left.grad_y += group * of.outs;
    right.w += group * of.outs * of.taps_h * of.taps_w * of.ins;
    grad_x += group * of.ins;
  }
  __device__ void store(std::int64_t pixel, std::int64_t channel, T value) const {
    const Extents& of = left.of;
    const Pixel x(pixel, left.down.count, left.across.count);
    const std::int64_t h = left.down.first + x.h * of.stride_h;
    const std::int64_t v = left.across.first + x.w * of.stride_w;
    grad_x[((x.n * of.height + h) * of.width + v) * of.channels + channel] = value;
  }
};

void input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                const Tensor& grad_x) {
  expect_conv2d(grad_x, w, grad_y, options);
  const Extents of(grad_x, w, grad_y, options);
  dispatch_floating(grad_y.dtype(), "conv2d_input_grad", [&]<class T>() {
    for (int i = 0; i < of.stride_h; ++i)
      for (int j = 0; j < of.stride_w; ++j) {
        const Phase down(i, of.height, of.taps_h, of.stride_h, of.pad_h);
        const Phase across(j, of.width, of.taps_w, of.stride_w, of.pad_w);
        cuda::tile_product<T>("conv2d_input_grad", grad_x.device(),
                              InputGrad<T>{grad_x.size(0) * down.count * across.count,
                                           of.ins,
                                           std::int64_t{down.taps} * across.taps * of.outs,
                                           options.groups,
                                           {of, down, across, grad_y.data<T>()},
                                           {of, down, across, w.data<T>()},
                                           grad_x.data<T>()});
      }
  });
}

// grad_w: rows are channels of y, columns the taps, the depth is the pixels of y.

/// The patches once more, with pixels and taps exchanged.
template <class T>
struct TapColumns {
  static constexpr bool kAlongDepth = false;
  using Line = Tap;
  using Step = View<T>;

  Patches<T> patches;

  __device__ Line line(std::int64_t k) const { return patches.step(k); }
  __device__ Step step(std::int64_t pixel) const { return patches.line(pixel); }
  __device__ T at(const Line& tap, const Step& from) const { return patches.at(from, tap); }
};

template <class T>
struct WeightGrad {
  std::int64_t rows, columns, depth, items;
  cuda::Strided<T, false> left;
  TapColumns<T> right;
  T* grad_w;

  __device__ void select(std::int64_t group) {
    left.data += group * rows;
    right.patches.x += group * right.patches.of.ins;
    grad_w += group * rows * columns;
  }
  __device__ void store(std::int64_t o, std::int64_t tap, T value) const {
    grad_w[o * columns + tap] = value;
  }
};

void weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                 const Tensor& grad_w) {
  expect_conv2d(x, grad_w, grad_y, options);
  const Extents of(x, grad_w, grad_y, options);
  dispatch_floating(x.dtype(), "conv2d_weight_grad", [&]<class T>() {
    cuda::tile_product<T>("conv2d_weight_grad", x.device(),
                          WeightGrad<T>{of.outs,
                                        grad_w.size(1) * grad_w.size(2) * grad_w.size(3),
                                        grad_y.size(0) * grad_y.size(1) * grad_y.size(2),
                                        options.groups,
                                        {grad_y.data<T>(), 1, of.out_channels},
                                        {{of, x.data<T>()}},
                                        grad_w.data<T>()});
  });
}

const Fill fill_forward{conv2d_forward, DeviceType::CUDA, &forward};
const Fill fill_input_grad{conv2d_input_grad, DeviceType::CUDA, &input_grad};
const Fill fill_weight_grad{conv2d_weight_grad, DeviceType::CUDA, &weight_grad};

}  // namespace
}  // namespace rho::kernels
