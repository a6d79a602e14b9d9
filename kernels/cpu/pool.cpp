#include "kernels/pool.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements of x for a thread to take at once

/// body(n, i) for every output row, threaded.
template <class Body>
void for_each_row(const Shape& x, const Shape& y, const Body& body) {
  const std::int64_t rows = y[0] * y[1];
  if (rows == 0) return;
  cpu::parallel_ranges(rows, kGrain / std::max<std::int64_t>(numel(x) / rows, 1),
                       [&](std::int64_t row, std::int64_t end) {
                         for (; row < end; ++row) body(row / y[1], row % y[1]);
                       });
}

void max_pool2d_cpu(const Tensor& x, const Pool2dOptions& options, const Tensor& values,
                    const Tensor& positions) {
  expect_maps("max_pool2d", x, options, values);
  expect_maps("max_pool2d", x, options, positions);
  const Shape in = x.shape(), out = values.shape();
  const std::int64_t channels = in[3];
  auto* const where = positions.data<std::int64_t>();
  dispatch_floating(x.dtype(), "max_pool2d", [&]<class T>() {
    const T* const data = x.data<T>();
    T* const largest = values.data<T>();
    for_each_row(in, out, [&](std::int64_t n, std::int64_t i) {
      for (std::int64_t j = 0; j < out[2]; ++j) {
        const PoolWindow window(in[1], in[2], options, i, j);
        const std::int64_t at = ((n * out[1] + i) * out[2] + j) * channels;
        std::int64_t pixel = ((n * in[1] + window.top) * in[2] + window.left) * channels;
        for (std::int64_t c = 0; c < channels; ++c) {
          largest[at + c] = data[pixel + c];
          where[at + c] = pixel + c;
        }
        for (std::int64_t h = window.top; h < window.bottom; ++h)
          for (std::int64_t w = window.left; w < window.right; ++w) {
            pixel = ((n * in[1] + h) * in[2] + w) * channels;
            for (std::int64_t c = 0; c < channels; ++c) {
              const T value = data[pixel + c], best = largest[at + c];
              const bool is_nan = std::isnan(value), has_nan = std::isnan(best);
              if (has_nan || !(is_nan || value > best)) continue;
              largest[at + c] = value;
              where[at + c] = pixel + c;
            }
          }
      }
    });
  });
}

void avg_pool2d_cpu(const Tensor& x, const Pool2dOptions& options, const Tensor& y) {
  expect_maps("avg_pool2d", x, options, y);
  const Shape in = x.shape(), out = y.shape();
  const std::int64_t channels = in[3];
  dispatch_floating(x.dtype(), "avg_pool2d", [&]<class T>() {
    const T share = pool_share<T>(options);
    const T* const data = x.data<T>();
    T* const to = y.data<T>();
    for_each_row(in, out, [&](std::int64_t n, std::int64_t i) {
      for (std::int64_t j = 0; j < out[2]; ++j) {
        const PoolWindow window(in[1], in[2], options, i, j);
        T* const sums = to + ((n * out[1] + i) * out[2] + j) * channels;
        std::fill_n(sums, channels, T{0});
        for (std::int64_t h = window.top; h < window.bottom; ++h)
          for (std::int64_t w = window.left; w < window.right; ++w) {
            const T* const pixel = data + ((n * in[1] + h) * in[2] + w) * channels;
            for (std::int64_t c = 0; c < channels; ++c) sums[c] += pixel[c];
          }
        for (std::int64_t c = 0; c < channels; ++c) sums[c] *= share;
      }
    });
  });
}

void avg_pool2d_grad_cpu(const Tensor& grad_y, const Pool2dOptions& options, const Tensor& grad_x) {
  expect_maps("avg_pool2d_grad", grad_x, options, grad_y);
  const Shape in = grad_x.shape(), out = grad_y.shape();
  const std::int64_t channels = in[3];
  dispatch_floating(grad_y.dtype(), "avg_pool2d_grad", [&]<class T>() {
    const T share = pool_share<T>(options);
    const T* const g = grad_y.data<T>();
    T* const to = grad_x.data<T>();
    // Images are independent; within one, windows may overlap.
    cpu::parallel_for(out[0], [&](std::int64_t n) {
      std::fill_n(to + n * in[1] * in[2] * channels, in[1] * in[2] * channels, T{0});
      for (std::int64_t i = 0; i < out[1]; ++i)
        for (std::int64_t j = 0; j < out[2]; ++j) {
          const PoolWindow window(in[1], in[2], options, i, j);
          const T* const from = g + ((n * out[1] + i) * out[2] + j) * channels;
          for (std::int64_t h = window.top; h < window.bottom; ++h)
            for (std::int64_t w = window.left; w < window.right; ++w) {
              T* const pixel = to + ((n * in[1] + h) * in[2] + w) * channels;
              for (std::int64_t c = 0; c < channels; ++c) pixel[c] += share * from[c];
            }
        }
    });
  });
}

const Fill fill_max_pool2d{max_pool2d, DeviceType::CPU, &max_pool2d_cpu};
const Fill fill_avg_pool2d{avg_pool2d, DeviceType::CPU, &avg_pool2d_cpu};
const Fill fill_avg_pool2d_grad{avg_pool2d_grad, DeviceType::CPU, &avg_pool2d_grad_cpu};

}  // namespace
}  // namespace rho::kernels
