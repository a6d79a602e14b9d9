// Convolutions as products whose operands are read straight from the maps (implicit GEMM).
#include "kernels/arithmetic.h"
#include "kernels/cuda/conv2d.h"
#include "kernels/cuda/divider.cuh"
#include "kernels/cuda/epilogue.cuh"
#include "kernels/cuda/nvidia/products.h"
#include "kernels/cuda/product.cuh"
#include "kernels/cuda/winograd.h"
#include "kernels/provider.h"

namespace rho::kernels {
namespace {

constexpr auto kOp = "conv2d";

/// Extents of one group, as a kernel's argument: x [N, H, W, C], w [O, KH, KW, C / groups].
struct Extents {
  int height, width, channels;              // of x
  int out_height, out_width, out_channels;  // of y
  int taps_h, taps_w;
  int ins, outs;  // channels of a group
  int stride_h, stride_w, pad_h, pad_w;

  Extents(const Tensor& x, const Tensor& w, const Tensor& y, const Conv2dOptions& o)
      : height(cuda::narrow(kOp, x.size(1))),
        width(cuda::narrow(kOp, x.size(2))),
        channels(cuda::narrow(kOp, x.size(3))),
        out_height(cuda::narrow(kOp, y.size(1))),
        out_width(cuda::narrow(kOp, y.size(2))),
        out_channels(cuda::narrow(kOp, y.size(3))),
        taps_h(cuda::narrow(kOp, w.size(1))),
        taps_w(cuda::narrow(kOp, w.size(2))),
        ins(cuda::narrow(kOp, w.size(3))),
        outs(cuda::narrow(kOp, w.size(0) / o.groups)),
        stride_h(cuda::narrow(kOp, o.stride_h)),
        stride_w(cuda::narrow(kOp, o.stride_w)),
        pad_h(cuda::narrow(kOp, o.pad_h)),
        pad_w(cuda::narrow(kOp, o.pad_w)) {}

  __device__ std::int64_t image() const { return std::int64_t{height} * width * channels; }
};

/// Offset of a tap, or of a pixel, from where its window begins.
struct Tap {
  int h, w, channel;
};
__device__ Tap tap_of(int index, const cuda::Divider& by_width, const cuda::Divider& by_channels) {
  const auto [h, w, channel] = cuda::digits(index, by_width, by_channels);
  return {h, w, channel};
}

/// A pixel of one of N maps.
struct Pixel {
  std::int64_t n;
  int h, w;
};
__device__ Pixel pixel_of(int index, const cuda::Divider& by_height,
                          const cuda::Divider& by_width) {
  const auto [n, h, w] = cuda::digits(index, by_height, by_width);
  return {n, h, w};
}

/// One map's rows and columns from (top, left) on.
template <class T>
struct View {
  const T* map;
  int top, left;
};

/// An element of a map [height, width, channels], and its neighbours; 0 outside.
template <int kWidth, class T>
__device__ cuda::Vector<T, kWidth> element(const T* map, int h, int w, int channel, int height,
                                           int width, int channels) {
  if (h < 0 || h >= height || w < 0 || w >= width) return {};
  return cuda::read<kWidth>(map + (std::int64_t{h} * width + w) * channels + channel);
}

/// Whether neighbouring channels are read and written in vectors.
template <class T>
bool in_vectors(const Extents& of, const T* x, const T* w, const T* y) {
  return cuda::in_vectors(x, of.ins) && cuda::in_vectors(w) && cuda::in_vectors(y, of.outs);
}

// y: rows are the pixels of y, columns its channels, the depth is the taps.

template <class T>
struct Patches {
  static constexpr bool kAlongDepth = true;
  using Line = View<T>;
  using Step = Tap;

  Extents of;
  cuda::Divider by_out_height, by_out_width, by_taps_w, by_ins;
  const T* x;

  Patches(const Extents& extents, const T* first)
      : of(extents),
        by_out_height(of.out_height),
        by_out_width(of.out_width),
        by_taps_w(of.taps_w),
        by_ins(of.ins),
        x(first) {}

  __device__ Line line(int pixel) const {
    const Pixel y = pixel_of(pixel, by_out_height, by_out_width);
    return {x + y.n * of.image(), y.h * of.stride_h - of.pad_h, y.w * of.stride_w - of.pad_w};
  }
  __device__ Step step(int k) const { return tap_of(k, by_taps_w, by_ins); }
  template <int kWidth>
  __device__ cuda::Vector<T, kWidth> at(const Line& from, const Step& tap) const {
    return element<kWidth>(from.map, from.top + tap.h, from.left + tap.w, tap.channel, of.height,
                           of.width, of.channels);
  }
};

template <class T>
struct Forward {
  int rows, columns, depth;
  std::int64_t items;
  Patches<T> left;
  cuda::Strided<T, true> right;
  cuda::Epilogue<T> then;
  T* y;
  int first = 0;  // channel of the group

  __host__ __device__ Forward item(std::int64_t group) const {
    Forward out = *this;
    out.left.x += group * left.of.ins;
    out.right.data += group * columns * depth;
    out.first = static_cast<int>(group) * columns;
    return out;
  }
  __device__ T* place(int pixel, int o) const { return y + at(pixel, o); }
  template <class ForEach>
  __device__ void finish(const ForEach& for_each) const {
    then(for_each, first, [&](int pixel, int o) { return at(pixel, o); });
  }
  __device__ std::int64_t at(int pixel, int o) const {
    return std::int64_t{pixel} * left.of.out_channels + first + o;
  }
};

void forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
             const Conv2dEpilogue& then, const Tensor& y) {
  expect_conv2d(x, w, y, options);
  expect_epilogue(then, y);
  if (product_provider() == ProductProvider::Nvidia)
    return nvidia::conv2d_forward(x, w, options, then, y);
  if (cuda::takes_winograd(x.dtype(), x.shape(), w.shape(), y.shape(), options))
    return cuda::winograd_forward(x, w, options, then, y);
  const Extents of(x, w, y, options);
  const int pixels = cuda::narrow(kOp, y.size(0) * y.size(1) * y.size(2));
  const int depth = cuda::narrow(kOp, w.size(1) * w.size(2) * w.size(3));
  dispatch_floating(x.dtype(), "conv2d", [&]<class T>() {
    const cuda::Epilogue<T> epilogue(then);
    cuda::product<T>("conv2d", x.device(),
                     Forward<T>{pixels,
                                of.outs,
                                depth,
                                options.groups,
                                {of, x.data<T>()},
                                {w.data<T>(), depth, 1},
                                epilogue,
                                y.data<T>()},
                     in_vectors(of, x.data<T>(), w.data<T>(), y.data<T>()) &&
                         cuda::in_vectors(epilogue.bias) && cuda::in_vectors(epilogue.residual));
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
  cuda::Divider by_down, by_across, by_taps, by_outs;
  const T* grad_y;

  Gradients(const Extents& extents, const Phase& rows, const Phase& columns, const T* first)
      : of(extents),
        down(rows),
        across(columns),
        by_down(down.count),
        by_across(across.count),
        by_taps(std::max(1, across.taps)),
        by_outs(of.outs),
        grad_y(first) {}

  __device__ Line line(int pixel) const {
    const Pixel x = pixel_of(pixel, by_down, by_across);
    return {grad_y + x.n * of.out_height * of.out_width * of.out_channels, x.h + down.out,
            x.w + across.out};
  }
  __device__ Step step(int k) const { return tap_of(k, by_taps, by_outs); }
  template <int kWidth>
  __device__ cuda::Vector<T, kWidth> at(const Line& from, const Step& tap) const {
    return element<kWidth>(from.map, from.top - tap.h, from.left - tap.w, tap.channel,
                           of.out_height, of.out_width, of.out_channels);
  }
};

template <class T>
struct Channels {
  static constexpr bool kAlongDepth = false;
  using Line = const T*;
  using Step = std::int64_t;

  Extents of;
  Phase down, across;
  cuda::Divider by_taps, by_outs;
  const T* w;

  Channels(const Extents& extents, const Phase& rows, const Phase& columns, const T* first)
      : of(extents),
        down(rows),
        across(columns),
        by_taps(std::max(1, across.taps)),
        by_outs(of.outs),
        w(first) {}

  __device__ Line line(int channel) const { return w + channel; }
  __device__ Step step(int k) const {
    const Tap tap = tap_of(k, by_taps, by_outs);
    const int h = down.tap + tap.h * of.stride_h, v = across.tap + tap.w * of.stride_w;
    return ((std::int64_t{tap.channel} * of.taps_h + h) * of.taps_w + v) * of.ins;
  }
  template <int kWidth>
  __device__ cuda::Vector<T, kWidth> at(Line line, Step step) const {
    return cuda::read<kWidth>(line + step);
  }
};

template <class T>
struct InputGrad {
  int rows, columns, depth;
  std::int64_t items;
  Gradients<T> left;
  Channels<T> right;
  cuda::Epilogue<T> then;
  T* grad_x;
  int first = 0;  // channel of the group

  __host__ __device__ InputGrad item(std::int64_t group) const {
    const Extents& of = left.of;
    InputGrad out = *this;
    out.left.grad_y += group * of.outs;
    out.right.w += group * of.outs * of.taps_h * of.taps_w * of.ins;
    out.first = static_cast<int>(group) * of.ins;
    return out;
  }
  __device__ T* place(int pixel, int channel) const { return grad_x + at(pixel, channel); }
  template <class ForEach>
  __device__ void finish(const ForEach& for_each) const {
    then(for_each, first, [&](int pixel, int channel) { return at(pixel, channel); });
  }
  __device__ std::int64_t at(int pixel, int channel) const {
    const Extents& of = left.of;
    const Pixel x = pixel_of(pixel, left.by_down, left.by_across);
    const std::int64_t h = left.down.first + x.h * of.stride_h;
    const std::int64_t v = left.across.first + x.w * of.stride_w;
    return ((x.n * of.height + h) * of.width + v) * of.channels + first + channel;
  }
};

void input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                const Tensor& grad_x) {
  cuda::conv2d_input_grad(grad_y, w, options, {}, grad_x);
}

// grad_w: rows are channels of y, columns the taps, the depth is the pixels of y.

/// The patches once more, with pixels and taps exchanged.
template <class T>
struct TapColumns {
  static constexpr bool kAlongDepth = false;
  using Line = Tap;
  using Step = View<T>;

  Patches<T> patches;

  __device__ Line line(int k) const { return patches.step(k); }
  __device__ Step step(int pixel) const { return patches.line(pixel); }
  template <int kWidth>
  __device__ cuda::Vector<T, kWidth> at(const Line& tap, const Step& from) const {
    return patches.template at<kWidth>(from, tap);
  }
};

template <class T>
struct WeightGrad {
  using FewRows = void;

  int rows, columns, depth;
  std::int64_t items;
  cuda::Strided<T, false> left;
  TapColumns<T> right;
  T* grad_w;

  __host__ __device__ WeightGrad item(std::int64_t group) const {
    WeightGrad out = *this;
    out.left.data += group * rows;
    out.right.patches.x += group * right.patches.of.ins;
    out.grad_w += group * rows * columns;
    return out;
  }
  __device__ T* place(int o, int tap) const { return grad_w + o * columns + tap; }
};

void weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                 const Tensor& grad_w) {
  expect_conv2d(x, grad_w, grad_y, options);
  if (product_provider() == ProductProvider::Nvidia)
    return nvidia::conv2d_weight_grad(x, grad_y, options, grad_w);
  if (cuda::takes_winograd(x.dtype(), x.shape(), grad_w.shape(), grad_y.shape(), options))
    return cuda::winograd_weight_grad(x, grad_y, options, grad_w);
  const Extents of(x, grad_w, grad_y, options);
  dispatch_floating(x.dtype(), "conv2d_weight_grad", [&]<class T>() {
    cuda::product<T>(
        "conv2d_weight_grad", x.device(),
        WeightGrad<T>{of.outs,
                      cuda::narrow(kOp, grad_w.size(1) * grad_w.size(2) * grad_w.size(3)),
                      cuda::narrow(kOp, grad_y.size(0) * grad_y.size(1) * grad_y.size(2)),
                      options.groups,
                      {grad_y.data<T>(), 1, of.out_channels},
                      {Patches<T>(of, x.data<T>())},
                      grad_w.data<T>()},
        in_vectors(of, x.data<T>(), grad_w.data<T>(), grad_y.data<T>()));
  });
}

const Fill fill_forward{conv2d_forward, DeviceType::CUDA, &forward};
const Fill fill_input_grad{conv2d_input_grad, DeviceType::CUDA, &input_grad};
const Fill fill_weight_grad{conv2d_weight_grad, DeviceType::CUDA, &weight_grad};

}  // namespace

void cuda::conv2d_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                             const Tensor& rest, const Tensor& grad_x) {
  expect_conv2d(grad_x, w, grad_y, options);
  if (product_provider() == ProductProvider::Nvidia) {
    if (!rest.defined()) return nvidia::conv2d_input_grad(grad_y, w, options, grad_x);
    const Tensor alone = Tensor::empty(grad_x.shape(), grad_x.dtype(), grad_x.device());
    nvidia::conv2d_input_grad(grad_y, w, options, alone);
    return add(alone, rest.view(grad_x.shape()), grad_x);
  }
  if (takes_winograd(grad_x.dtype(), grad_x.shape(), w.shape(), grad_y.shape(), options))
    return winograd_input_grad(grad_y, w, options, rest, grad_x);
  const Extents of(grad_x, w, grad_y, options);
  dispatch_floating(grad_y.dtype(), "conv2d_input_grad", [&]<class T>() {
    const Epilogue<T> then({.bias = {}, .residual = rest});
    for (int i = 0; i < of.stride_h; ++i)
      for (int j = 0; j < of.stride_w; ++j) {
        const Phase down(i, of.height, of.taps_h, of.stride_h, of.pad_h);
        const Phase across(j, of.width, of.taps_w, of.stride_w, of.pad_w);
        if (down.count == 0 || across.count == 0) continue;
        cuda::product<T>(
            "conv2d_input_grad", grad_x.device(),
            InputGrad<T>{cuda::narrow(kOp, grad_x.size(0) * down.count * across.count),
                         of.ins,
                         cuda::narrow(kOp, std::int64_t{down.taps} * across.taps * of.outs),
                         options.groups,
                         {of, down, across, grad_y.data<T>()},
                         {of, down, across, w.data<T>()},
                         then,
                         grad_x.data<T>()},
            in_vectors(of, grad_x.data<T>(), w.data<T>(), grad_y.data<T>()) &&
                cuda::in_vectors(then.residual));
      }
  });
}

}  // namespace rho::kernels
