// Direct convolution, channels last: the micro-kernel reads its rows straight from the image, so
// no matrix of patches is ever built. The input gradient is the same routine on the output gradient
// with flipped weights, once for each phase of the stride.
#include "kernels/conv2d.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/slices.h"
#include "kernels/cpu/winograd.h"
#include "kernels/matmul.h"
#include "kernels/threads.h"

namespace rho::kernels {
namespace {

using cpu::MicroTile;
using cpu::Panels;
using cpu::Rows;

constexpr std::int64_t kDepth = 384;            // weights of a panel used before the next pixels
constexpr std::int64_t kShortDepth = 128;       // of sums so short that the call of a tile counts
constexpr std::int64_t kPixels = 512;           // output pixels of one task of the direct routine
constexpr std::int64_t kSumGrain = 4096;        // elements for a thread to sum over slices
constexpr std::int64_t kTasks = 16;             // at least, for the threads to share
constexpr std::int64_t kBlockBytes = 24 << 10;  // of image rows kept in the first-level cache

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
/// Rounds towards minus infinity; b > 0.
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/// One image [height, width, channels] seen through a window that may reach outside, where it is 0.
template <class T>
struct Image {
  const T* data;
  std::int64_t height, width, channels;
};
struct Window {
  std::int64_t top, left, height, width;  // top and left may be negative
};

template <class T>
struct View {
  const T* data;
  std::int64_t row;  // elements
};

/// The window, with `slack` more readable elements behind it. The image itself serves where it
/// covers the window and has that many elements `behind` it; else the window is copied to
/// `scratch`.
template <class T>
View<T> view_of(const Image<T>& image, std::int64_t behind, const Window& window,
                std::int64_t slack, cpu::Scratch& scratch) {
  const auto& [data, height, width, channels] = image;
  if (behind >= slack && window.top >= 0 && window.left >= 0 &&
      window.top + window.height <= height && window.left + window.width <= width)
    return {data + (window.top * width + window.left) * channels, width * channels};

  const std::int64_t row = window.width * channels;
  T* const copy = scratch.get<T>(window.height * row + slack);
  const std::int64_t begin = std::clamp<std::int64_t>(-window.left, 0, window.width);
  const std::int64_t end = std::clamp<std::int64_t>(width - window.left, begin, window.width);
  for (std::int64_t i = 0; i < window.height; ++i) {
    T* const target = copy + i * row;
    const std::int64_t h = window.top + i;
    if (h < 0 || h >= height || begin == end) {
      std::fill_n(target, row, T{0});
      continue;
    }
    std::fill(target, target + begin * channels, T{0});
    std::copy_n(data + (h * width + window.left + begin) * channels, (end - begin) * channels,
                target + begin * channels);
    std::fill(target + end * channels, target + row, T{0});
  }
  std::fill_n(copy + window.height * row, slack, T{0});
  return {copy, row};
}

/// Weight of (group, tap row a, tap column b, channel in, channel out) as strides into one tensor.
template <class T>
struct Weights {
  const T* data;
  std::int64_t group, a, b, in, out;
};

/// out[n, i, j, g * outs + o] = sum over a, b, c of
///   image_n[i * stride_h + a - top, j * stride_w + b - left, g * ins + c] * weight(g, a, b, c, o)
template <class T>
struct Direct {
  std::int64_t images;
  Image<T> image;  // the first one
  Weights<T> weights;
  std::int64_t groups, ins, outs;  // channels of one group
  std::int64_t taps_h, taps_w;
  std::int64_t stride_h, stride_w, top, left;
  std::int64_t height, width;  // of the output
  T* out;
  std::int64_t out_image, out_row, out_column;  // output strides

  void run() const;

 private:
  std::int64_t depth() const { return taps_h * taps_w * ins; }
  Panels<T> columns() const { return {outs, cpu::micro_kernels<T>().widest(Rows::Apart)}; }
  /// Where the image holds the taps of one pixel consecutively.
  std::int64_t segments() const { return groups == 1 ? taps_h : taps_h * taps_w; }
  std::int64_t length() const { return groups == 1 ? taps_w * ins : ins; }
  /// Segments of the first `tap_rows` tap rows.
  std::int64_t segments_before(std::int64_t tap_rows) const {
    return std::clamp<std::int64_t>(tap_rows, 0, taps_h) * (segments() / taps_h);
  }
  void pack(T* packed) const;
  void rows(std::int64_t n, std::int64_t begin, std::int64_t end, const T* packed) const;
};

/// [group][panel][tap row, tap column, in][panel width], zero in unused columns.
template <class T>
void Direct<T>::pack(T* packed) const {
  const Panels<T> panels = columns();
  const std::int64_t grain = cpu::kSerialProducts / (panels.width(0) * depth() + 1);
  cpu::parallel_ranges(groups * panels.count, grain, [&](std::int64_t at, std::int64_t end) {
    for (; at < end; ++at) {
      const std::int64_t g = at / panels.count, p = at % panels.count;
      T* target = packed + (g * panels.padded() + panels.first(p)) * depth();
      for (std::int64_t a = 0; a < taps_h; ++a)
        for (std::int64_t b = 0; b < taps_w; ++b)
          for (std::int64_t c = 0; c < ins; ++c) {
            const T* from = weights.data + g * weights.group + a * weights.a + b * weights.b +
                            c * weights.in + panels.first(p) * weights.out;
            for (std::int64_t o = 0; o < panels.width(p); ++o)
              *target++ = o < panels.valid(p) ? from[o * weights.out] : T{0};
          }
    }
  });
}

/// Output rows begin <= i < end of image n, with one thread.
template <class T>
void Direct<T>::rows(std::int64_t n, std::int64_t begin, std::int64_t end, const T* packed) const {
  thread_local cpu::Scratch window, tables;
  const auto& kernels = cpu::micro_kernels<T>();
  const Panels<T> panels = columns();
  const Image<T> current{image.data + n * image.height * image.width * image.channels, image.height,
                         image.width, image.channels};
  const View<T> view =
      view_of(current, 0,
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
      const std::int64_t tile_rows = kernels.max_rows(Rows::Apart, vectors);
      const T* panel = packed + (g * panels.padded() + panels.first(p)) * depth();
      for (std::int64_t s = 0; s < segments(); ++s) in_panel[s] = s * length() * panels.width(p);
      MicroTile<T> tile;
      tile.column_step = panels.width(p);
      tile.valid_columns = panels.valid(p);
      tile.column_segments = in_panel;
      // A few short segments, or a part of a long one, so that their weights stay in cache.
      for (std::int64_t s = 0; s < segments(); s += together) {
        for (std::int64_t k = 0; k < length(); k += kDepth) {
          const bool first = s == 0 && k == 0;
          tile.accumulate = !first;
          tile.length = std::min(kDepth, length() - k);
          const auto place = [&](std::int64_t r, std::int64_t i, std::int64_t j) {
            tile.rows[r] = view.data + (i - begin) * stride_h * view.row + j * step + g * ins + k;
            tile.out[r] =
                out + n * out_image + i * out_row + j * out_column + g * outs + panels.first(p);
          };
          const auto run_tiles = [&](std::int64_t first_row, std::int64_t last_row,
                                     std::int64_t count, std::int64_t repeats) {
            // Tap rows in the padding above or below all of these pixels add nothing.
            const std::int64_t begin_s = std::max(s, segments_before(top - last_row * stride_h));
            const std::int64_t end_s =
                std::min(std::min(s + together, segments()),
                         segments_before(top + image.height - first_row * stride_h));
            tile.segments = std::max<std::int64_t>(0, end_s - begin_s);
            if (tile.segments == 0 && !first) return;
            tile.row_segments = in_image + begin_s;
            tile.columns = panel + (begin_s * length() + k) * panels.width(p);
            tile.repeats = repeats;
            tile.row_advance = count * step;
            tile.out_advance = count * out_column;
            kernels.run(Rows::Apart, static_cast<int>(count), vectors, tile);
          };
          if (width % tile_rows == 0 || (width > tile_rows && depth() < kShortDepth)) {
            // Tiles within a row of pixels follow each other at equal distances: one call for all.
            for (std::int64_t i = begin; i < end; ++i) {
              const std::int64_t full = width / tile_rows, rest = width % tile_rows;
              for (std::int64_t r = 0; r < tile_rows; ++r) place(r, i, r);
              run_tiles(i, i, tile_rows, full);
              for (std::int64_t r = 0; r < rest; ++r) place(r, i, full * tile_rows + r);
              if (rest > 0) run_tiles(i, i, rest, 1);
            }
            continue;
          }
          for (std::int64_t i = begin, j = 0; i < end;) {
            const std::int64_t first_row = i;
            std::int64_t last_row = i, count = 0;
            for (; count < tile_rows && i < end; ++count) {
              place(count, i, j);
              last_row = i;
              if (++j == width) {
                j = 0;
                ++i;
              }
            }
            run_tiles(first_row, last_row, count, 1);
          }
        }
      }
    }
  }
}

template <class T>
void Direct<T>::run() const {
  if (images == 0 || height <= 0 || width <= 0 || outs == 0) return;
  thread_local cpu::Scratch scratch;
  T* const packed = scratch.get<T>(groups * columns().padded() * depth());
  pack(packed);
  // By the shape alone: where weights are not finite, padding that one block skips counts in
  // another.
  const std::int64_t blocks = std::max(ceil_div(height * width, kPixels), ceil_div(kTasks, images));
  const std::int64_t block = ceil_div(height, std::min(blocks, height));
  const std::int64_t tasks = ceil_div(height, block);
  const std::int64_t grain = cpu::kSerialProducts / (block * width * groups * outs * depth() + 1);
  cpu::parallel_ranges(images * tasks, grain, [&](std::int64_t at, std::int64_t end) {
    for (; at < end; ++at) {
      const std::int64_t begin = at % tasks * block;
      rows(at / tasks, begin, std::min(height, begin + block), packed);
    }
  });
}

/// grad_w[o, a, b, c] = sum over n, i, j of
///   grad_y[n, i, j, o] * x_n[i * stride_h + a - pad_h, j * stride_w + b - pad_w, c]
template <class T>
struct WeightGradient {
  std::int64_t images;
  Image<T> x;       // the first one
  Image<T> grad_y;  // the first one
  std::int64_t taps_h, taps_w;
  Conv2dOptions options;
  T* grad_w;

  void run() const;

 private:
  std::int64_t ins() const { return x.channels / options.groups; }
  std::int64_t outs() const { return grad_y.channels / options.groups; }
  /// A run of weights whose inputs are consecutive: a tap row, or a tap where there are groups.
  std::int64_t runs() const { return options.groups == 1 ? taps_h : taps_h * taps_w; }
  std::int64_t run_columns() const { return options.groups == 1 ? taps_w * ins() : ins(); }

  /// Whether the sums are kept transposed, [run, within the run][outs]: vectors along the outputs
  /// are fuller than along a short run of inputs. They must end where the outputs do.
  bool transposed() const;
  /// Of the matrix that a run is: outs x run_columns, or its transpose.
  std::int64_t all_rows() const { return transposed() ? run_columns() : outs(); }
  Panels<T> panels() const {
    return {transposed() ? outs() : run_columns(), cpu::micro_kernels<T>().widest(Rows::Adjacent)};
  }

  /// A tile of one run.
  struct Tile {
    std::int64_t group, run, row, panel;
    int rows;
  };
  std::vector<Tile> tiles() const;
  /// Adds image n to `sum`, or begins it.
  void add_image(std::int64_t n, const Tile* begin, const Tile* end, bool begins, T* sum) const;
};

template <class T>
bool WeightGradient<T>::transposed() const {
  const std::int64_t lanes = cpu::micro_kernels<T>().lanes;
  return options.groups == 1 && outs() % lanes == 0 &&
         run_columns() * outs() < outs() * ceil_div(run_columns(), lanes) * lanes;
}

template <class T>
std::vector<typename WeightGradient<T>::Tile> WeightGradient<T>::tiles() const {
  const Panels<T> panels = this->panels();
  std::vector<Tile> list;
  for (std::int64_t g = 0; g < options.groups; ++g)
    for (std::int64_t r = 0; r < runs(); ++r)
      for (std::int64_t p = 0; p < panels.count; ++p) {
        const std::int64_t parts = ceil_div(
            all_rows(), cpu::micro_kernels<T>().max_rows(Rows::Adjacent, panels.vectors(p)));
        for (std::int64_t i = 0; i < parts; ++i) {
          const std::int64_t row = all_rows() * i / parts;
          list.push_back({g, r, row, p, static_cast<int>(all_rows() * (i + 1) / parts - row)});
        }
      }
  return list;
}

template <class T>
void WeightGradient<T>::add_image(std::int64_t n, const Tile* begin, const Tile* end, bool begins,
                                  T* sum) const {
  thread_local cpu::Scratch window, tables;
  const auto& kernels = cpu::micro_kernels<T>();
  const Panels<T> panels = this->panels();
  const bool transposed = this->transposed();
  const std::int64_t height = grad_y.height, width = grad_y.width, outputs = grad_y.channels;
  const std::int64_t image_size = x.height * x.width * x.channels;
  const Image<T> image{x.data + n * image_size, x.height, x.width, x.channels};
  // The vectors of a last panel may reach behind their image: into the next ones, where there are.
  const std::int64_t slack = transposed ? 0 : panels.padded() - panels.columns;
  const View<T> view =
      view_of(image, (images - n - 1) * image_size,
              {-options.pad_h, -options.pad_w, (height - 1) * options.stride_h + taps_h,
               (width - 1) * options.stride_w + taps_w},
              slack, window);
  const T* const gradient = grad_y.data + n * height * width * outputs;

  // Output rows whose gradients and inputs fit in the first-level cache are one block.
  const std::int64_t row_bytes =
      (width * outputs + view.row) * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t block = std::clamp<std::int64_t>(kBlockBytes / row_bytes, 1, height);
  std::int64_t* const in_gradient = tables.get<std::int64_t>(2 * block);
  std::int64_t* const in_image = in_gradient + block;
  for (std::int64_t i = 0; i < block; ++i) {
    in_gradient[i] = i * width * outputs;
    in_image[i] = i * options.stride_h * view.row;
  }

  MicroTile<T> tile;
  tile.row_segments = in_gradient;
  tile.row_step = outputs;
  tile.column_segments = in_image;
  tile.column_step = options.stride_w * x.channels;
  if (transposed) {
    std::swap(tile.row_segments, tile.column_segments);
    std::swap(tile.row_step, tile.column_step);
  }
  tile.length = width;
  for (std::int64_t i = 0; i < height; i += block) {
    tile.segments = std::min(block, height - i);
    tile.accumulate = !begins || i > 0;
    for (const Tile* t = begin; t != end; ++t) {
      const bool grouped = options.groups > 1;
      const std::int64_t a = grouped ? t->run / taps_w : t->run;
      const std::int64_t b = grouped ? t->run % taps_w : 0;
      const T* const inputs =
          view.data + (i * options.stride_h + a) * view.row + b * x.channels + t->group * ins();
      const T* const gradients = gradient + i * width * outputs + t->group * outs();
      const std::int64_t column = panels.first(t->panel);
      tile.rows[0] = (transposed ? inputs : gradients) + t->row;
      tile.columns = (transposed ? gradients : inputs) + column;
      tile.valid_columns = panels.valid(t->panel);
      for (std::int64_t r = 0; r < t->rows; ++r) {
        const std::int64_t row = t->row + r;
        tile.out[r] = sum + column +
                      (transposed ? (t->run * run_columns() + row) * outputs
                                  : ((t->group * outs() + row) * runs() + t->run) * run_columns());
      }
      kernels.run(Rows::Adjacent, t->rows, panels.vectors(t->panel), tile);
    }
  }
}

template <class T>
void WeightGradient<T>::run() const {
  const std::int64_t size = grad_y.channels * taps_h * taps_w * ins();
  if (images == 0) std::fill_n(grad_w, size, T{0});
  if (images == 0) return;
  const std::vector<Tile> list = tiles();
  const auto count = static_cast<std::int64_t>(list.size());
  const bool parallel = images * grad_y.height * grad_y.width * size > cpu::kSerialProducts;
  // Slices of the images, and where there are more threads than these, parts of the tiles.
  const std::int64_t slices = cpu::slices_of(images, size * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t parts = parallel ? ceil_div(threads(), slices) : 1;
  thread_local cpu::Scratch scratch;
  T* const sums = scratch.get<T>(slices * size);
  cpu::parallel_ranges(
      slices * parts, parallel ? 1 : slices, [&](std::int64_t i, std::int64_t end) {
        for (; i < end; ++i) {
          const std::int64_t slice = i / parts, part = i % parts;
          const Tile* const first = list.data() + count * part / parts;
          const Tile* const last = list.data() + count * (part + 1) / parts;
          const std::int64_t begin = images * slice / slices;
          for (std::int64_t n = begin; n < images * (slice + 1) / slices && first != last; ++n)
            add_image(n, first, last, n == begin, sums + slice * size);
        }
      });
  const std::int64_t filter = size / grad_y.channels;
  cpu::parallel_ranges(size, kSumGrain, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      T total = sums[i];
      for (std::int64_t slice = 1; slice < slices; ++slice) total += sums[slice * size + i];
      grad_w[transposed() ? i % grad_y.channels * filter + i / grad_y.channels : i] = total;
    }
  });
}

template <class T>
Image<T> first_image(const Tensor& t) {
  return {t.data<T>(), t.size(1), t.size(2), t.size(3)};
}

void check_operands(const Tensor& x, const Tensor& w, const Tensor& y,
                    const Conv2dOptions& options) {
  const Shape expected = conv2d_shape(x.shape(), w.shape(), options);
  check(y.shape() == expected, "conv2d", "x ", x.shape(), " and weight ", w.shape(), " give ",
        expected, ", found ", y.shape());
  check(x.dtype() == w.dtype() && x.dtype() == y.dtype(), "conv2d", "expects one dtype, found ",
        x.dtype(), ", ", w.dtype(), " and ", y.dtype());
  check(x.is_contiguous() && w.is_contiguous() && y.is_contiguous(), "conv2d",
        "expects contiguous tensors, found strides ", x.strides(), ", ", w.strides(), " and ",
        y.strides());
}

/// Float alone: in double the point is the last digit.
std::optional<cpu::WinogradShape> winograd_of(const Tensor& x, const Tensor& w, const Tensor& y,
                                              const Conv2dOptions& options) {
  if (x.dtype() != DType::Float32) return std::nullopt;
  return cpu::winograd_shape(x.shape(), w.shape(), y.shape(), options);
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

void forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options, const Tensor& y) {
  check_operands(x, w, y, options);
  if (const std::int64_t terms = product_terms(x, w, options))
    return matmul(rows_of(x, terms), rows_of(w, terms).transpose(0, 1), rows_of(y, w.size(0)));
  if (const auto shape = winograd_of(x, w, y, options))
    return cpu::winograd_forward(*shape, x.data<float>(), w.data<float>(), y.data<float>());
  dispatch_floating(x.dtype(), "conv2d", [&]<class T>() {
    const std::int64_t taps_h = w.size(1), taps_w = w.size(2), ins = w.size(3);
    const std::int64_t outs = w.size(0) / options.groups;
    const std::int64_t filter = taps_h * taps_w * ins;
    if (ins == 0) std::fill_n(y.data<T>(), y.numel(), T{0});
    if (ins == 0) return;
    Direct<T>{.images = x.size(0),
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
        taps(phase < kernel ? ceil_div(kernel - phase, stride) : 0),
        first(-floor_div(phase - pad, stride)),
        count(floor_div(extent - 1 + pad - phase, stride) - first + 1),
        start(phase - pad + stride * first) {}

  std::int64_t phase, taps, first, count, start;
};

void input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                const Tensor& grad_x) {
  check_operands(grad_x, w, grad_y, options);
  if (const std::int64_t terms = product_terms(grad_x, w, options))
    return matmul(rows_of(grad_y, w.size(0)), rows_of(w, terms), rows_of(grad_x, terms));
  if (const auto shape = winograd_of(grad_x, w, grad_y, options))
    return cpu::winograd_input_grad(*shape, grad_y.data<float>(), w.data<float>(),
                                    grad_x.data<float>());
  dispatch_floating(grad_y.dtype(), "conv2d_input_grad", [&]<class T>() {
    const auto& [stride_h, stride_w, pad_h, pad_w, groups] = options;
    const std::int64_t kernel_h = w.size(1), kernel_w = w.size(2), outs = w.size(3);
    const std::int64_t ins = w.size(0) / groups;
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
        Direct<T>{.images = grad_x.size(0),
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
  check_operands(x, grad_w, grad_y, options);
  if (const std::int64_t terms = product_terms(x, grad_w, options))
    return matmul(rows_of(grad_y, grad_w.size(0)).transpose(0, 1), rows_of(x, terms),
                  rows_of(grad_w, terms));
  if (const auto shape = winograd_of(x, grad_w, grad_y, options))
    return cpu::winograd_weight_grad(*shape, x.data<float>(), grad_y.data<float>(),
                                     grad_w.data<float>());
  dispatch_floating(x.dtype(), "conv2d_weight_grad", [&]<class T>() {
    WeightGradient<T>{.images = x.size(0),
                      .x = first_image<T>(x),
                      .grad_y = first_image<T>(grad_y),
                      .taps_h = grad_w.size(1),
                      .taps_w = grad_w.size(2),
                      .options = options,
                      .grad_w = grad_w.data<T>()}
        .run();
  });
}

const Fill fill_forward{conv2d_forward, DeviceType::CPU, &forward};
const Fill fill_input_grad{conv2d_input_grad, DeviceType::CPU, &input_grad};
const Fill fill_weight_grad{conv2d_weight_grad, DeviceType::CPU, &weight_grad};

}  // namespace
}  // namespace rho::kernels
