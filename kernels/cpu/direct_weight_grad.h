// The weight gradient of a convolution, channels last, as sums over all pixels of all images.
#pragma once

#include <vector>

#include "kernels/conv2d.h"
#include "kernels/cpu/image_view.h"
#include "kernels/cpu/micro_kernel.h"

namespace rho::kernels::cpu {

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

  /// Whether the sums are kept transposed, [run, within the run][outs]: where vectors along the
  /// outputs are fuller than along a short run of inputs.
  bool transposed() const;
  /// Of the matrix that a run is: outs x run_columns, or its transpose.
  std::int64_t all_rows() const { return transposed() ? run_columns() : outs(); }
  Panels<T> panels() const {
    return {transposed() ? outs() : run_columns(), micro_kernels<T>().widest(Rows::Adjacent)};
  }

  /// A tile of one run.
  struct Tile {
    std::int64_t group, run, row, panel;
    int rows;
  };
  std::vector<Tile> tiles() const;
  /// Images whose sums are taken together.
  std::int64_t group() const;
  /// Adds images [first, last) to `sum`, or begins it.
  void add_images(std::int64_t first, std::int64_t last, const Tile* begin, const Tile* end,
                  bool begins, T* sum) const;
};

}  // namespace rho::kernels::cpu
