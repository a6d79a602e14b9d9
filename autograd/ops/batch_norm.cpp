#include "autograd/ops/batch_norm.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "kernels/batch_norm.h"
#include "kernels/copy.h"

namespace rho {
namespace {

/// [R, C] for x [..., C].
Shape rows_of(const Shape& x) { return {x.back() == 0 ? 0 : numel(x) / x.back(), x.back()}; }

void expect_channels(std::string_view op, const Variable& x, const Tensor& per_channel) {
  check(x.rank() >= 2 && per_channel.rank() == 1 && per_channel.size(0) == x.size(-1), op,
        "expects x [..., C] and per-channel tensors [C], found ", x.shape(), " and ",
        per_channel.shape());
  check(per_channel.dtype() == x.dtype(), op, "expects one dtype, found ", x.dtype(), " and ",
        per_channel.dtype());
}

kernels::BatchNormArguments arguments(const Tensor& mean, const Tensor& variance,
                                      const Variable& gamma, const Variable& beta, double eps) {
  return {kernels::contiguous(mean), kernels::contiguous(variance),
          kernels::contiguous(gamma.value()), kernels::contiguous(beta.value()), eps};
}

Tensor apply(const Tensor& x, const kernels::BatchNormArguments& with, const Shape& shape) {
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.numel() > 0) kernels::batch_norm(x, with, y.view(x.shape()));
  return y;
}

}  // namespace

BatchNormOutput batch_norm_train(const Variable& x, const Variable& gamma, const Variable& beta,
                                 double eps) {
  constexpr auto op = "batch_norm_train";
  expect_channels(op, x, gamma.value());
  expect_channels(op, x, beta.value());
  const Shape rows = rows_of(x.shape());
  check(rows[0] > 0, op, "the statistics of no values: x ", x.shape());
  const Tensor flat = kernels::contiguous(x.value()).view(rows);
  const Tensor mean_ = Tensor::empty(gamma.shape(), x.dtype(), flat.device());
  const Tensor variance = Tensor::empty(gamma.shape(), x.dtype(), flat.device());
  kernels::batch_statistics(flat, mean_, variance);
  const auto with = arguments(mean_, variance, gamma, beta, eps);
  const Variable y = record_fused(
      op, apply(flat, with, x.shape()), {x, gamma, beta},
      [flat, with, shape = x.shape()](const Variable& g) {
        const auto like = [](const Tensor& t) {
          return Tensor::empty(t.shape(), t.dtype(), t.device());
        };
        const Tensor grad_x = like(flat), grad_gamma = like(with.gamma),
                     grad_beta = like(with.beta);
        kernels::batch_norm_grad(flat, with, kernels::contiguous(g.value()).view(flat.shape()),
                                 grad_x, grad_gamma, grad_beta);
        return std::vector{Variable(grad_x.view(shape)), Variable(grad_gamma), Variable(grad_beta)};
      },
      [eps, rows, shape = x.shape()](std::span<const Variable> in) {
        const Variable values = reshape(in[0], rows);
        const Variable centred = values - mean(values, {0}, true);
        const Variable deviation = sqrt(mean(centred * centred, {0}, true) + eps);
        return reshape(centred / deviation * in[1] + in[2], shape);
      });
  return {y, mean_, variance};
}

Variable batch_norm_eval(const Variable& x, const Variable& gamma, const Variable& beta,
                         const Tensor& mean, const Tensor& variance, double eps) {
  constexpr auto op = "batch_norm_eval";
  for (const Tensor* t : {&gamma.value(), &beta.value(), &mean, &variance})
    expect_channels(op, x, *t);
  const Tensor flat = kernels::contiguous(x.value()).view(rows_of(x.shape()));
  const auto with = arguments(mean, variance, gamma, beta, eps);
  // The statistics are constants, so it is an affine map of each channel: the rule is a composite.
  return record(op, apply(flat, with, x.shape()), {x, gamma, beta},
                [x, gamma, beta, with](const Variable& g) {
                  const Variable deviation = sqrt(Variable(with.variance) + with.eps);
                  std::vector<Variable> grads(3);
                  if (x.requires_grad()) grads[0] = g * (gamma / deviation);
                  if (gamma.requires_grad())
                    grads[1] = sum_to(g * ((x - Variable(with.mean)) / deviation), gamma.shape());
                  if (beta.requires_grad()) grads[2] = sum_to(g, beta.shape());
                  return grads;
                });
}

}  // namespace rho
