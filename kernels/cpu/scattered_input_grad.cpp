#include "kernels/cpu/scattered_input_grad.h"

#include "kernels/cpu/parallel.h"

namespace rho::kernels::cpu {
namespace {

constexpr std::int64_t kPixels = 64;  // whose products with the weights stay in the first cache

}  // namespace

template <class T>
void ScatteredInputGradient<T>::one(std::int64_t n, const T* packed) const {
  thread_local Scratch sums, products;
  const auto& kernels = micro_kernels<T>();
  const Panels<T> panels = columns();
  const auto& [stride_h, stride_w, pad_h, pad_w, groups] = options;
  // The image with all the padding that the taps or the pixels reach.
  const std::int64_t all_height = std::max((grad_y.height - 1) * stride_h + taps_h, height + pad_h);
  const std::int64_t all_width = std::max((grad_y.width - 1) * stride_w + taps_w, width + pad_w);
  T* const sum = sums.get<T>(all_height * all_width * ins);
  std::fill_n(sum, all_height * all_width * ins, T{0});

  const std::int64_t outs = grad_y.channels,
                     together = std::max<std::int64_t>(
                         1, kPixels / std::max<std::int64_t>(grad_y.width, 1));
  const std::int64_t pitch = panels.padded(), run = taps_w * ins;
  T* const product_of = products.get<T>(together * grad_y.width * pitch);
  const std::int64_t no_segment = 0;
  for (std::int64_t i = 0; i < grad_y.height; i += together) {
    const std::int64_t rows = std::min(together, grad_y.height - i);
    PanelProduct<T> product;
    product.count = rows * grad_y.width;
    product.rows = grad_y.data + (n * grad_y.height + i) * grad_y.width * outs;
    product.row_pitch = outs;
    product.row_segments = product.column_segments = &no_segment;
    product.length = outs;
    product.out_pitch = pitch;
    for (std::int64_t p = 0; p < panels.count; ++p) {
      product.columns = packed + panels.first(p) * outs;
      product.column_step = panels.width(p);
      product.valid_columns = panels.computed(p);
      product.out = product_of + panels.first(p);
      kernels.run(Rows::Contiguous, panels.vectors(p), product);
    }
    // Pixels whose taps overlap do not follow each other: an addition need not wait for a store.
    const std::int64_t apart = std::max<std::int64_t>(1, ceil_div(taps_w, stride_w));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t a = 0; a < taps_h; ++a)
        for (std::int64_t first = 0; first < apart; ++first)
          for (std::int64_t j = first; j < grad_y.width; j += apart) {
            const T* const from = product_of + (r * grad_y.width + j) * pitch + a * run;
            T* const to = sum + (((i + r) * stride_h + a) * all_width + j * stride_w) * ins;
            for (std::int64_t c = 0; c < run; ++c) to[c] += from[c];
          }
  }
  for (std::int64_t h = 0; h < height; ++h)
    std::copy_n(sum + ((h + pad_h) * all_width + pad_w) * ins, width * ins,
                grad_x + (n * height + h) * width * ins);
}

template <class T>
void ScatteredInputGradient<T>::run() const {
  thread_local Scratch scratch;
  const Panels<T> panels = columns();
  const std::int64_t outs = grad_y.channels;
  T* const packed = scratch.get<T>(outs * panels.padded());
  for (std::int64_t p = 0; p < panels.count; ++p)
    for (std::int64_t o = 0; o < outs; ++o) {
      T* const to = packed + panels.first(p) * outs + o * panels.width(p);
      std::copy_n(w + o * filter() + panels.first(p), panels.valid(p), to);
      std::fill(to + panels.valid(p), to + panels.width(p), T{0});
    }
  const std::int64_t grain = kSerialProducts / (grad_y.height * grad_y.width * outs * filter() + 1);
  parallel_ranges(images, grain, [&](std::int64_t n, std::int64_t end) {
    for (; n < end; ++n) one(n, packed);
  });
}

template struct ScatteredInputGradient<float>;
template struct ScatteredInputGradient<double>;

}  // namespace rho::kernels::cpu
