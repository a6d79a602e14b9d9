#include "kernels/pool.h"

namespace rho::kernels {

Shape pool2d_shape(const Shape& x, const Pool2dOptions& options, std::string_view op) {
  const auto& [size_h, size_w, stride_h, stride_w, pad_h, pad_w] = options;
  check(x.size() == 4, op, "expects x [N, H, W, C], found ", x);
  check(size_h >= 1 && size_w >= 1 && stride_h >= 1 && stride_w >= 1, op, "window (", size_h, ", ",
        size_w, ") and stride (", stride_h, ", ", stride_w, ") expected to be at least 1");
  check(pad_h >= 0 && pad_w >= 0 && 2 * pad_h <= size_h && 2 * pad_w <= size_w, op, "padding (",
        pad_h, ", ", pad_w, ") expected to be at most half the window (", size_h, ", ", size_w,
        ")");
  const std::int64_t room_h = x[1] + 2 * pad_h - size_h, room_w = x[2] + 2 * pad_w - size_w;
  check(x[1] >= 1 && x[2] >= 1 && room_h >= 0 && room_w >= 0, op, "window (", size_h, ", ", size_w,
        ") does not fit in x ", x, " with padding (", pad_h, ", ", pad_w, ")");
  return {x[0], room_h / stride_h + 1, room_w / stride_w + 1, x[3]};
}

void expect_maps(std::string_view op, const Tensor& x, const Pool2dOptions& options,
                 const Tensor& y) {
  check(y.shape() == pool2d_shape(x.shape(), options, op), op, "x ", x.shape(), " does not give ",
        y.shape());
  check(x.is_contiguous() && y.is_contiguous(), op, "expects contiguous tensors");
}

}  // namespace rho::kernels
