#include "kernels/bias_relu_grad.h"

#include "kernels/expect.h"

namespace rho::kernels {

void expect_bias_relu_grad(const Tensor& y, const Tensor& grad_y, const Tensor& grad_x,
                           const Tensor& grad_bias) {
  constexpr auto op = "bias_relu_grad";
  expect_channels(op, y, grad_bias);
  expect_dense_alike(op, y, grad_y);
  expect_dense_alike(op, y, grad_x);
}

}  // namespace rho::kernels
