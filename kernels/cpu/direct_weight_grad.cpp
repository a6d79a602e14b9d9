#include "kernels/cpu/direct_weight_grad.h"

#include <utility>

#include "kernels/cpu/caches.h"
#include "kernels/cpu/integers.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/slices.h"
#include "kernels/cpu/transpose.h"
#include "kernels/threads.h"

namespace rho::kernels::cpu {
namespace {

constexpr std::int64_t kSumGrain = 4096;        // elements for a thread to sum over slices
constexpr std::int64_t kMostBytes = 256 << 10;  // of image rows kept in the second-level cache
constexpr std::int64_t kPixels = 256;           // of small images, whose sums are taken together

std::int64_t block_bytes() { return std::min(kMostBytes, caches().second / 2); }

}  // namespace

template <class T>
bool WeightGradient<T>::transposed() const {
  const std::int64_t lanes = micro_kernels<T>().lanes;
  return options.groups == 1 &&
         run_columns() * ceil_div(outs(), lanes) < outs() * ceil_div(run_columns(), lanes);
}

template <class T>
std::vector<typename WeightGradient<T>::Tile> WeightGradient<T>::tiles() const {
  const Panels<T> panels = this->panels();
  std::vector<Tile> list;
  for (std::int64_t g = 0; g < options.groups; ++g)
    for (std::int64_t r = 0; r < runs(); ++r)
      for (std::int64_t p = 0; p < panels.count; ++p) {
        const std::int64_t parts =
            ceil_div(all_rows(), micro_kernels<T>().max_rows(Rows::Adjacent, panels.vectors(p)));
        for (std::int64_t i = 0; i < parts; ++i) {
          const std::int64_t row = all_rows() * i / parts;
          list.push_back({g, r, row, p, static_cast<int>(all_rows() * (i + 1) / parts - row)});
        }
      }
  return list;
}

template <class T>
std::int64_t WeightGradient<T>::group() const {
  const std::int64_t pixels = grad_y.height * grad_y.width;
  const std::int64_t image = (x.height + taps_h) * (x.width + taps_w) * x.channels;
  const std::int64_t bytes =
      (image + pixels * grad_y.channels) * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t few = kPixels / std::max<std::int64_t>(pixels, 1);
  return std::clamp<std::int64_t>(std::min(few, block_bytes() / (bytes + 1)), 1, images);
}

template <class T>
void WeightGradient<T>::add_images(std::int64_t first, std::int64_t last, const Tile* begin,
                                   const Tile* end, bool begins, T* sum) const {
  thread_local Scratch window, gradient_window, tables;
  const auto& kernels = micro_kernels<T>();
  const Panels<T> panels = this->panels();
  const bool transposed = this->transposed();
  const std::int64_t height = grad_y.height, width = grad_y.width, outputs = grad_y.channels;
  // The vectors of a last panel may reach behind their image: into the next ones, where there are.
  const std::int64_t slack = panels.padded() - panels.columns;
  const auto see = [&](const Image<T>& of, const Window& through, bool as_columns,
                       Scratch& scratch) {
    const std::int64_t size = of.height * of.width * of.channels;
    return view_of(Image<T>{of.data + first * size, of.height, of.width, of.channels}, last - first,
                   (images - last) * size, through, as_columns ? slack : 0, scratch);
  };
  const View<T> view =
      see(x,
          {-options.pad_h, -options.pad_w, (height - 1) * options.stride_h + taps_h,
           (width - 1) * options.stride_w + taps_w},
          !transposed, window);
  const View<T> gradient = see(grad_y, {0, 0, height, width}, transposed, gradient_window);

  // Where the output rows of all these images lie.
  const std::int64_t rows = (last - first) * height;
  std::int64_t* const in_gradient = tables.get<std::int64_t>(2 * rows);
  std::int64_t* const in_image = in_gradient + rows;
  for (std::int64_t i = 0; i < rows; ++i) {
    in_gradient[i] = i / height * gradient.image + i % height * gradient.row;
    in_image[i] = i / height * view.image + i % height * options.stride_h * view.row;
  }

  const std::int64_t row_bytes =
      (width * outputs + view.row * options.stride_h) * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t block = std::clamp<std::int64_t>(block_bytes() / row_bytes, 1, rows);
  PanelProduct<T> product;
  product.row_step = outputs;
  product.column_step = options.stride_w * x.channels;
  if (transposed) std::swap(product.row_step, product.column_step);
  product.out_pitch = transposed ? outputs : runs() * run_columns();
  product.length = width;
  for (std::int64_t i = 0; i < rows; i += block) {
    product.segments = std::min(block, rows - i);
    product.row_segments = (transposed ? in_image : in_gradient) + i;
    product.column_segments = (transposed ? in_gradient : in_image) + i;
    product.accumulate = !begins || i > 0;
    for (const Tile* t = begin; t != end; ++t) {
      const bool grouped = options.groups > 1;
      const std::int64_t a = grouped ? t->run / taps_w : t->run;
      const std::int64_t b = grouped ? t->run % taps_w : 0;
      const T* const at_input = view.data + a * view.row + b * x.channels + t->group * ins();
      const T* const at_gradient = gradient.data + t->group * outs();
      const std::int64_t column = panels.first(t->panel);
      product.count = t->rows;
      product.rows = (transposed ? at_input : at_gradient) + t->row;
      product.columns = (transposed ? at_gradient : at_input) + column;
      product.valid_columns = panels.valid(t->panel);
      product.out = sum + column +
                    (transposed ? (t->run * run_columns() + t->row) * outputs
                                : ((t->group * outs() + t->row) * runs() + t->run) * run_columns());
      kernels.run(Rows::Adjacent, panels.vectors(t->panel), product);
    }
  }
}

template <class T>
void WeightGradient<T>::run() const {
  const std::int64_t size = grad_y.channels * taps_h * taps_w * ins();
  if (images == 0) std::fill_n(grad_w, size, T{0});
  if (images == 0 || size == 0) return;
  const std::vector<Tile> list = tiles();
  const auto count = static_cast<std::int64_t>(list.size());
  const bool parallel = images * grad_y.height * grad_y.width * size > kSerialProducts;
  // Slices of the images, and where there are more threads than these, parts of the tiles.
  const std::int64_t slices = slices_of(images, size * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t parts = parallel ? ceil_div(threads(), slices) : 1;
  const std::int64_t together = group();
  const bool transposed = this->transposed(), in_place = slices == 1 && !transposed;
  thread_local Scratch scratch;
  T* const sums = in_place ? grad_w : scratch.get<T>(slices * size);
  parallel_ranges(slices * parts, parallel ? 1 : slices, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const std::int64_t slice = i / parts, part = i % parts;
      const Tile* const first = list.data() + count * part / parts;
      const Tile* const last = list.data() + count * (part + 1) / parts;
      const std::int64_t begin = images * slice / slices;
      const std::int64_t stop = images * (slice + 1) / slices;
      for (std::int64_t n = begin; n < stop && first != last; n += together)
        add_images(n, std::min(n + together, stop), first, last, n == begin, sums + slice * size);
    }
  });
  if (in_place) return;
  const std::int64_t filter = size / grad_y.channels;
  const std::int64_t columns = transposed ? grad_y.channels : filter;
  parallel_ranges(size / columns, ceil_div(kSumGrain, columns),
                  [&](std::int64_t first, std::int64_t last) {
                    T* const total = sums + first * columns;
                    const std::int64_t rows = last - first;
                    for (std::int64_t slice = 1; slice < slices; ++slice)
                      for (std::int64_t i = 0; i < rows * columns; ++i)
                        total[i] += total[slice * size + i];
                    if (transposed)
                      transpose(total, columns, rows, columns, grad_w + first, filter);
                    else
                      std::copy_n(total, rows * columns, grad_w + first * columns);
                  });
}

template struct WeightGradient<float>;
template struct WeightGradient<double>;

}  // namespace rho::kernels::cpu
