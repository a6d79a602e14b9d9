#include "kernels/cuda/reduction.cuh"
#include "kernels/pool.h"

namespace rho::kernels {
namespace {

/// Extents of contiguous maps x [N, H, W, C] and y [N, OH, OW, C], as a kernel's argument.
struct Maps {
  std::int64_t height, width, channels, out_height, out_width;
  Pool2dOptions options;

  Maps(const Shape& x, const Shape& y, const Pool2dOptions& with)
      : height(x[1]),
        width(x[2]),
        channels(x[3]),
        out_height(y[1]),
        out_width(y[2]),
        options(with) {}
  __device__ PoolWindow window(std::int64_t i, std::int64_t j) const {
    return {height, width, options, i, j};
  }
};

/// Where one element of a map [N, H, W, C] is.
struct Place {
  std::int64_t n, h, w, c;

  __device__ Place(std::int64_t position, std::int64_t height, std::int64_t width,
                   std::int64_t channels) {
    c = position % channels;
    position /= channels;
    w = position % width;
    position /= width;
    h = position % height;
    n = position / height;
  }
};

template <class T>
struct MaxPool {
  Maps of;
  const T* x;
  T* values;
  std::int64_t* positions;

  __device__ void operator()(std::int64_t i) const {
    const Place y(i, of.out_height, of.out_width, of.channels);
    const PoolWindow window = of.window(y.h, y.w);
    auto largest = cuda::Largest<T>::nothing();
    for (std::int64_t h = window.top; h < window.bottom; ++h)
      for (std::int64_t w = window.left; w < window.right; ++w) {
        const std::int64_t position = ((y.n * of.height + h) * of.width + w) * of.channels + y.c;
        largest.merge({x[position], position});
      }
    values[i] = largest.value;
    positions[i] = largest.index;
  }
};

void max_pool2d_cuda(const Tensor& x, const Pool2dOptions& options, const Tensor& values,
                     const Tensor& positions) {
  constexpr auto op = "max_pool2d";
  expect_maps(op, x, options, values);
  expect_maps(op, x, options, positions);
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    cuda::for_each(op, x.device(), values.numel(),
                   MaxPool<T>{Maps(x.shape(), values.shape(), options), x.data<T>(),
                              values.data<T>(), positions.data<std::int64_t>()});
  });
}

template <class T>
struct AvgPool {
  Maps of;
  const T* x;
  T share;
  T* y;

  __device__ void operator()(std::int64_t i) const {
    const Place place(i, of.out_height, of.out_width, of.channels);
    const PoolWindow window = of.window(place.h, place.w);
    T sum{0};
    for (std::int64_t h = window.top; h < window.bottom; ++h)
      for (std::int64_t w = window.left; w < window.right; ++w)
        sum += x[((place.n * of.height + h) * of.width + w) * of.channels + place.c];
    y[i] = sum * share;
  }
};

void avg_pool2d_cuda(const Tensor& x, const Pool2dOptions& options, const Tensor& y) {
  constexpr auto op = "avg_pool2d";
  expect_maps(op, x, options, y);
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    cuda::for_each(op, x.device(), y.numel(),
                   AvgPool<T>{Maps(x.shape(), y.shape(), options), x.data<T>(),
                              pool_share<T>(options), y.data<T>()});
  });
}

/// The windows that see a pixel, so that nobody else writes to it.
template <class T>
struct AvgPoolGrad {
  Maps of;
  const T* grad_y;
  T share;
  T* grad_x;

  /// The first of the windows, `size` long and `stride` apart, that reach `at`.
  __device__ static std::int64_t first(std::int64_t at, std::int64_t size, std::int64_t stride) {
    return at < size ? 0 : (at - size) / stride + 1;
  }
  __device__ void operator()(std::int64_t i) const {
    const Pool2dOptions& o = of.options;
    const Place x(i, of.height, of.width, of.channels);
    const std::int64_t h = x.h + o.pad_h, w = x.w + o.pad_w;
    T sum{0};
    for (std::int64_t a = first(h, o.size_h, o.stride_h); a < of.out_height && a * o.stride_h <= h;
         ++a)
      for (std::int64_t b = first(w, o.size_w, o.stride_w); b < of.out_width && b * o.stride_w <= w;
           ++b)
        sum += share * grad_y[((x.n * of.out_height + a) * of.out_width + b) * of.channels + x.c];
    grad_x[i] = sum;
  }
};

void avg_pool2d_grad_cuda(const Tensor& grad_y, const Pool2dOptions& options,
                          const Tensor& grad_x) {
  constexpr auto op = "avg_pool2d_grad";
  expect_maps(op, grad_x, options, grad_y);
  dispatch_floating(grad_y.dtype(), op, [&]<class T>() {
    cuda::for_each(op, grad_x.device(), grad_x.numel(),
                   AvgPoolGrad<T>{Maps(grad_x.shape(), grad_y.shape(), options), grad_y.data<T>(),
                                  pool_share<T>(options), grad_x.data<T>()});
  });
}

const Fill fill_max_pool2d{max_pool2d, DeviceType::CUDA, &max_pool2d_cuda};
const Fill fill_avg_pool2d{avg_pool2d, DeviceType::CUDA, &avg_pool2d_cuda};
const Fill fill_avg_pool2d_grad{avg_pool2d_grad, DeviceType::CUDA, &avg_pool2d_grad_cuda};

}  // namespace
}  // namespace rho::kernels
