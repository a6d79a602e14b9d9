#include "kernels/conv2d.h"

namespace rho::kernels {

Shape conv2d_shape(const Shape& x, const Shape& w, const Conv2dOptions& options) {
  const auto& [stride_h, stride_w, pad_h, pad_w, groups] = options;
  check(x.size() == 4 && w.size() == 4, "conv2d",
        "expects x [N, H, W, C] and weight [O, KH, KW, C / groups], found ", x, " and ", w);
  check(stride_h >= 1 && stride_w >= 1 && pad_h >= 0 && pad_w >= 0 && groups >= 1, "conv2d",
        "stride (", stride_h, ", ", stride_w, "), padding (", pad_h, ", ", pad_w, "), groups ",
        groups, " expected to be at least 1, 0 and 1");
  check(x[3] == w[3] * groups && w[0] % groups == 0, "conv2d", "x ", x, " and weight ", w,
        " do not fit ", groups, " groups: expected C = groups * weight channels and O a multiple");
  const std::int64_t room_h = x[1] + 2 * pad_h - w[1];
  const std::int64_t room_w = x[2] + 2 * pad_w - w[2];
  check(w[1] >= 1 && w[2] >= 1 && room_h >= 0 && room_w >= 0, "conv2d", "weight ", w,
        " does not fit in x ", x, " with padding (", pad_h, ", ", pad_w, ")");
  return {x[0], room_h / stride_h + 1, room_w / stride_w + 1, w[0]};
}

void expect_conv2d(const Tensor& x, const Tensor& w, const Tensor& y,
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

void expect_epilogue(const Conv2dEpilogue& then, const Tensor& y) {
  const auto expect = [&](const char* name, const Tensor& found, const Shape& shape) {
    if (!found.defined()) return;
    check(found.shape() == shape && found.dtype() == y.dtype() && found.is_contiguous(), "conv2d",
          "expects a contiguous ", name, " ", y.dtype(), ' ', shape, ", found ", found.dtype(), ' ',
          found.shape(), " with strides ", found.strides());
  };
  expect("bias", then.bias, {y.size(3)});
  expect("residual", then.residual, y.shape());
}

}  // namespace rho::kernels
