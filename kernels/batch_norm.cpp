#include "kernels/batch_norm.h"

#include "kernels/expect.h"

namespace rho::kernels {

void expect_batch_statistics(const Tensor& x, const Tensor& mean, const Tensor& variance) {
  expect_channels("batch_statistics", x, mean);
  expect_channels("batch_statistics", x, variance);
  check(x.numel() > 0, "batch_statistics", "of no values: shape ", x.shape());
}

void expect_follow_statistics(const MeanAndVariance& running, const MeanAndVariance& found,
                              const MeanAndVariance& next) {
  constexpr auto op = "follow_statistics";
  const Tensor& first = running.mean;
  check(first.rank() == 1 && first.is_contiguous(), op, "expects contiguous tensors [C], found ",
        first.shape());
  for (const Tensor* t :
       {&running.variance, &found.mean, &found.variance, &next.mean, &next.variance})
    expect_dense_alike(op, first, *t);
}

void expect_batch_norm(const Tensor& x, const BatchNormArguments& with, const Tensor& residual,
                       const Tensor& y) {
  constexpr auto op = "batch_norm";
  for (const Tensor* t : {&with.mean, &with.variance, &with.gamma, &with.beta})
    expect_channels(op, x, *t);
  expect_dense_alike(op, x, y);
  if (residual.defined()) expect_dense_alike(op, x, residual);
}

void expect_batch_norm_grad(const Tensor& x, const BatchNormArguments& with, const Tensor& y,
                            const Tensor& grad_y, const BatchNormGradients& grads) {
  constexpr auto op = "batch_norm_grad";
  for (const Tensor* t :
       {&with.mean, &with.variance, &with.gamma, &with.beta, &grads.gamma, &grads.beta})
    expect_channels(op, x, *t);
  expect_dense_alike(op, x, grad_y);
  expect_dense_alike(op, x, grads.x);
  if (grads.through_y(with)) {
    expect_dense_alike(op, x, y);
    expect_dense_alike(op, x, grads.residual);
  }
  check(x.numel() > 0, op, "of no values: shape ", x.shape());
}

void expect_fold_batch_norm(const Tensor& w, const Tensor& bias, const BatchNormArguments& with,
                            const Tensor& out_w, const Tensor& out_bias) {
  constexpr auto op = "fold_batch_norm";
  check(w.rank() == 2 && w.is_contiguous(), op, "expects a contiguous w [C, K], found ", w.shape());
  expect_dense_alike(op, w, out_w);
  for (const Tensor* t : {&bias, &with.mean, &with.variance, &with.gamma, &with.beta, &out_bias}) {
    if (t == &bias && !bias.defined()) continue;
    check(t->shape() == Shape{w.size(0)} && t->dtype() == w.dtype() && t->is_contiguous(), op,
          "expects contiguous tensors ", w.dtype(), " [C] for w ", w.shape(), ", found ",
          t->dtype(), ' ', t->shape());
  }
}

}  // namespace rho::kernels
