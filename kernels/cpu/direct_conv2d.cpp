#include "kernels/cpu/direct_conv2d.h"

#include "kernels/cpu/integers.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/transpose.h"

namespace rho::kernels::cpu {
namespace {

constexpr std::int64_t kDepth = 384;   // weights of a panel used before the next pixels
constexpr std::int64_t kPixels = 512;  // output pixels of one task of the direct routine
constexpr std::int64_t kTasks = 16;    // at least, for the threads to share

}  // namespace

/// [group][panel][tap row, tap column, in][panel width], zero in unused columns. Inputs or outputs
/// are next to each other in `weights`.
template <class T>
void Direct<T>::pack(T* packed) const {
  const Panels<T> panels = columns();
  const std::int64_t grain = kSerialProducts / (panels.width(0) * depth() + 1);
  parallel_ranges(groups * panels.count, grain, [&](std::int64_t at, std::int64_t end) {
    for (; at < end; ++at) {
      const std::int64_t g = at / panels.count, p = at % panels.count;
      const std::int64_t pitch = panels.width(p), valid = panels.valid(p);
      T* target = packed + (g * panels.padded() + panels.first(p)) * depth();
      if (valid < pitch) std::fill_n(target, depth() * pitch, T{0});
      const T* const first = weights.data + g * weights.group + panels.first(p) * weights.out;
      for (std::int64_t a = 0; a < taps_h; ++a)
        for (std::int64_t b = 0; b < taps_w; ++b) {
          const T* const from = first + a * weights.a + b * weights.b;
          if (weights.in == 1) {
            transpose(from, weights.out, valid, ins, target, pitch);
          } else {
            for (std::int64_t c = 0; c < ins; ++c)
              std::copy_n(from + c * weights.in, valid, target + c * pitch);
          }
          target += ins * pitch;
        }
    }
  });
}

/// [group][column], zero in unused columns.
template <class T>
void Direct<T>::pack_bias(T* packed) const {
  const std::int64_t pitch = columns().padded();
  std::fill_n(packed, groups * pitch, T{0});
  if (then.bias == nullptr) return;
  for (std::int64_t g = 0; g < groups; ++g)
    std::copy_n(then.bias + g * outs, outs, packed + g * pitch);
}

/// Output rows begin <= i < end of image n, with one thread.
template <class T>
void Direct<T>::rows(std::int64_t n, std::int64_t begin, std::int64_t end, const T* packed,
                     const T* bias) const {
  thread_local Scratch window, tables;
  const auto& kernels = micro_kernels<T>();
  const Panels<T> panels = columns();
  const Image<T> current{image.data + n * image.height * image.width * image.channels, image.height,
                         image.width, image.channels};
  const View<T> view =
      view_of(current, 1, 0,
              {begin * stride_h - top, -left, (end - 1 - begin) * stride_h + taps_h,
               (width - 1) * stride_w + taps_w},
              0, window);

  // Offsets of every segment in the image, and in a panel of one column.
  std::int64_t* const in_image = tables.get<std::int64_t>(2 * segments());
  std::int64_t* const in_panel = in_image + segments();
  for (std::int64_t s = 0; s < segments(); ++s)
    in_image[s] = groups == 1 ? s * view.row : s / taps_w * view.row + s % taps_w * image.channels;

  const std::int64_t step = stride_w * image.channels;
  const std::int64_t together = std::max<std::int64_t>(1, kDepth / length());
  for (std::int64_t g = 0; g < groups; ++g) {
    for (std::int64_t p = 0; p < panels.count; ++p) {
      const int vectors = panels.vectors(p);
      const T* panel = packed + (g * panels.padded() + panels.first(p)) * depth();
      for (std::int64_t s = 0; s < segments(); ++s) in_panel[s] = s * length() * panels.width(p);
      PanelProduct<T> product;
      product.count = width;
      product.row_pitch = step;
      product.out_pitch = out_column;
      product.column_step = panels.width(p);
      product.valid_columns = panels.valid(p);
      product.column_segments = in_panel;
      product.floor = then.floor;
      // A few short segments, or a part of a long one, so that their weights stay in cache.
      for (std::int64_t s = 0; s < segments(); s += together)
        for (std::int64_t k = 0; k < length(); k += kDepth) {
          const bool finishes = !then.empty && s + together >= segments() && k + kDepth >= length();
          if (finishes) product.bias = bias + g * panels.padded() + panels.first(p);
          for (std::int64_t i = begin; i < end; ++i) {
            // Tap rows in the padding above or below add nothing.
            const std::int64_t above = top - i * stride_h;
            const std::int64_t begin_s = std::max(s, segments_before(above));
            const std::int64_t end_s =
                std::min({s + together, segments(), segments_before(above + image.height)});
            product.accumulate = s > 0 || k > 0;
            product.segments = std::max<std::int64_t>(0, end_s - begin_s);
            if (product.segments == 0 && product.accumulate && !finishes) continue;
            product.length = std::min(kDepth, length() - k);
            product.rows = view.data + (i - begin) * stride_h * view.row + g * ins + k;
            product.row_segments = in_image + begin_s;
            product.columns = panel + (begin_s * length() + k) * panels.width(p);
            const std::int64_t to = n * out_image + i * out_row + g * outs + panels.first(p);
            product.out = out + to;
            if (finishes && then.residual != nullptr) product.residual = then.residual + to;
            kernels.run(Rows::Contiguous, vectors, product);
          }
        }
    }
  }
}

template <class T>
void Direct<T>::run() const {
  if (images == 0 || height <= 0 || width <= 0 || outs == 0) return;
  thread_local Scratch scratch;
  const std::int64_t weights_of_all = groups * columns().padded() * depth();
  T* const packed = scratch.get<T>(weights_of_all + groups * columns().padded());
  T* const bias = packed + weights_of_all;
  pack(packed);
  pack_bias(bias);
  const std::int64_t blocks = std::max(ceil_div(height * width, kPixels), ceil_div(kTasks, images));
  const std::int64_t block = ceil_div(height, std::min(blocks, height));
  const std::int64_t tasks = ceil_div(height, block);
  const std::int64_t grain = kSerialProducts / (block * width * groups * outs * depth() + 1);
  parallel_ranges(images * tasks, grain, [&](std::int64_t at, std::int64_t end) {
    for (; at < end; ++at) {
      const std::int64_t begin = at % tasks * block;
      rows(at / tasks, begin, std::min(height, begin + block), packed, bias);
    }
  });
}

template struct Direct<float>;
template struct Direct<double>;

}  // namespace rho::kernels::cpu
