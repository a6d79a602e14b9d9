#include "autograd/ops/batch_norm.h"

#include <memory>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "autograd/ops/shape.h"
#include "kernels/batch_norm.h"
#include "kernels/conv2d_chain.h"
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

void expect_residual(std::string_view op, const Variable& x, const Variable& residual) {
  if (!residual.defined()) return;
  check(residual.shape() == x.shape() && residual.dtype() == x.dtype(), op,
        "expects a residual like x ", x.dtype(), ' ', x.shape(), ", found ", residual.dtype(), ' ',
        residual.shape());
}

kernels::BatchNormArguments arguments(const Tensor& mean, const Tensor& variance,
                                      const Variable& gamma, const Variable& beta, double eps,
                                      const Epilogue& then) {
  return {kernels::contiguous(mean),
          kernels::contiguous(variance),
          kernels::contiguous(gamma.value()),
          kernels::contiguous(beta.value()),
          eps,
          then.relu};
}

Tensor like(const Tensor& x) { return Tensor::empty(x.shape(), x.dtype(), x.device()); }

/// y [R, C] for x [R, C].
Tensor normalize(const Tensor& x, const kernels::BatchNormArguments& with, const Epilogue& then) {
  Tensor y = like(x);
  Tensor residual;
  if (then.residual.defined())
    residual = kernels::contiguous(then.residual.value()).view(x.shape());
  if (y.numel() > 0) kernels::batch_norm(x, with, residual, y);
  return y;
}

/// Leads to the residual's gradients and keeps nothing of its value: no derivative depends on that,
/// so `instead` may stand for it.
Variable without_value(const Variable& residual, const Tensor& instead) {
  if (!residual.defined()) return {};
  return record("alias", instead.expand(residual.shape()), {residual},
                [](const Variable& g) { return std::vector{g}; });
}

}  // namespace

BatchNormOutput batch_norm_train(const Variable& x, const Variable& gamma, const Variable& beta,
                                 double eps, const Epilogue& then, const BatchStatistics& known) {
  constexpr auto op = "batch_norm_train";
  expect_channels(op, x, gamma.value());
  expect_channels(op, x, beta.value());
  expect_residual(op, x, then.residual);
  const Shape rows = rows_of(x.shape());
  check(rows[0] > 0, op, "the statistics of no values: x ", x.shape());
  const Tensor flat = kernels::contiguous(x.value()).view(rows);
  BatchStatistics of_x = known;
  if (known.mean.defined()) {
    expect_channels(op, x, known.mean);
    expect_channels(op, x, known.variance);
  } else {
    of_x = {Tensor::empty(gamma.shape(), x.dtype(), flat.device()),
            Tensor::empty(gamma.shape(), x.dtype(), flat.device())};
    kernels::batch_statistics(flat, of_x.mean, of_x.variance);
  }
  const auto with = arguments(of_x.mean, of_x.variance, gamma, beta, eps, then);
  const Tensor value = normalize(flat, with, then);
  const bool residual = then.residual.defined();
  // Without a residual the gradient finds the sign of y from x, and y need not be kept. Shared by
  // both ways back, so that it has one owner.
  const auto kept_y = std::make_shared<const Tensor>(residual && then.relu ? value : Tensor());
  const Variable out = record_fused(
      op, value.view(x.shape()), {x, gamma, beta, without_value(then.residual, beta.value())},
      [flat, with, residual, kept_y, shape = x.shape()](const Variable& g) {
        const Tensor& y = *kept_y;
        // Without a rectifier the residual gets g itself.
        const bool kept = residual && !y.defined();
        const auto* const deferred = kept ? nullptr : g.deferred();
        const auto [from, to] = deferred != nullptr ? Overwrite{{}, room_for(*deferred)}
                                : kept ? Overwrite{kernels::contiguous(g.value()), like(flat)}
                                       : overwrite(g);
        const Tensor over = to.view(flat.shape());
        const Tensor grad_x = !y.defined() ? over : is_spent(y) ? y : like(flat);
        const kernels::BatchNormGradients grads{grad_x, like(with.gamma), like(with.beta),
                                                y.defined() ? over : Tensor()};
        if (deferred != nullptr)
          kernels::conv2d_batch_norm_grad(*deferred, flat, with, y, grads);
        else
          kernels::batch_norm_grad(flat, with, y, from.view(flat.shape()), grads);
        std::vector<Variable> all{Variable(grads.x.view(shape)), Variable(grads.gamma),
                                  Variable(grads.beta), Variable()};
        if (residual) all[3] = y.defined() ? Variable(grads.residual.view(shape)) : g;
        return all;
      },
      [eps, rows, relu = then.relu, shape = x.shape(), kept_y](std::span<const Variable> in) {
        const Tensor& y = *kept_y;
        const Variable values = reshape(in[0], rows);
        const Variable centred = values - mean(values, {0}, true);
        const Variable deviation = sqrt(mean(centred * centred, {0}, true) + eps);
        const Variable z = reshape(centred / deviation * in[1] + in[2], shape);
        return y.defined() ? relu_mask(z + in[3], y.view(shape)) : apply({in[3], relu}, z);
      },
      Takes::Deferred);
  return {out, of_x.mean, of_x.variance};
}

Variable batch_norm_eval(const Variable& x, const Variable& gamma, const Variable& beta,
                         const Tensor& mean, const Tensor& variance, double eps,
                         const Epilogue& then) {
  constexpr auto op = "batch_norm_eval";
  for (const Tensor* t : {&gamma.value(), &beta.value(), &mean, &variance})
    expect_channels(op, x, *t);
  expect_residual(op, x, then.residual);
  const Tensor flat = kernels::contiguous(x.value()).view(rows_of(x.shape()));
  const auto with = arguments(mean, variance, gamma, beta, eps, then);
  const Tensor y = normalize(flat, with, then).view(x.shape());
  // The statistics are constants, so it is an affine map of each channel: the rule is a composite.
  return record(op, y, {x, gamma, beta, then.residual},
                [x, gamma, beta, residual = then.residual.requires_grad(),
                 y = then.relu ? y : Tensor(), with](const Variable& grad_y) {
                  const Variable g = y.defined() ? relu_mask(grad_y, y) : grad_y;
                  const Variable deviation = sqrt(Variable(with.variance) + with.eps);
                  std::vector<Variable> grads(4);
                  if (x.requires_grad()) grads[0] = g * (gamma / deviation);
                  if (gamma.requires_grad())
                    grads[1] = sum_to(g * ((x - Variable(with.mean)) / deviation), gamma.shape());
                  if (beta.requires_grad()) grads[2] = sum_to(g, beta.shape());
                  if (residual) grads[3] = g;
                  return grads;
                });
}

AffineMap fold_batch_norm(const AffineMap& map, const Variable& gamma, const Variable& beta,
                          const Tensor& mean, const Tensor& variance, double eps) {
  constexpr auto op = "fold_batch_norm";
  const auto& [weight, bias] = map;
  check(weight.rank() >= 1, op, "expects a weight [C, ...], found ", weight.shape());
  const std::int64_t channels = weight.size(0);
  for (const Tensor& t :
       {bias.defined() ? bias.value() : mean, gamma.value(), beta.value(), mean, variance})
    check(t.shape() == Shape{channels} && t.dtype() == weight.dtype(), op, "expects ",
          weight.dtype(), " [C] for a weight ", weight.shape(), ", found ", t.dtype(), ' ',
          t.shape());
  if (grad_enabled()) {
    const Variable scale = gamma / sqrt(Variable(variance) + eps);
    const Variable from_mean = bias.defined() ? bias - Variable(mean) : -Variable(mean);
    Shape rows = Shape::filled(weight.rank(), 1);
    rows[0] = channels;
    return {weight * reshape(scale, rows), beta + scale * from_mean};
  }
  const Shape rows{channels, channels == 0 ? 0 : weight.numel() / channels};
  const Tensor w = kernels::contiguous(weight.value()).view(rows);
  const Tensor folded = like(w), shift = like(gamma.value());
  kernels::fold_batch_norm(w, bias.defined() ? kernels::contiguous(bias.value()) : Tensor(),
                           arguments(mean, variance, gamma, beta, eps, {}), folded, shift);
  return {Variable(folded.view(weight.shape())), Variable(shift)};
}

}  // namespace rho
