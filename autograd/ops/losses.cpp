#include "autograd/ops/losses.h"

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/softmax.h"
#include "kernels/copy.h"
#include "kernels/softmax.h"

namespace rho {
namespace {

/// The mean or the sum of one loss per example.
Variable reduce(const Variable& losses, Reduction reduction, std::string_view op) {
  check(losses.numel() > 0 || reduction == Reduction::Sum, op, "the mean of no examples");
  return reduction == Reduction::Mean ? mean(losses) : sum(losses);
}

void expect_logits(const Variable& logits, const Tensor& labels, std::string_view op) {
  check(logits.rank() == 2 && labels.rank() == 1 && labels.size(0) == logits.size(0), op,
        "expects logits [N, C] and labels [N], found ", logits.shape(), " and ", labels.shape());
  check(labels.dtype() == DType::Int64, op, "expects int64 labels, found ", labels.dtype());
  check(logits.size(1) >= 1, op, "expects at least one class, found logits ", logits.shape());
}

/// Row-major positions in [N, C] of the labels' logits; throws where a label is out of range.
Tensor label_positions(const Tensor& labels, std::int64_t classes, std::string_view op) {
  std::vector<std::int64_t> positions = labels.to_vector<std::int64_t>();
  std::int64_t example = 0;
  for (std::int64_t& position : positions) {
    kernels::check_label(op, position, example, classes);
    position += example++ * classes;
  }
  return Tensor::from(positions, labels.shape(), labels.device());
}

Variable signed_output(const Variable& f, const Tensor& y, std::string_view op) {
  check(f.rank() == 1 && y.shape() == f.shape() && y.dtype() == f.dtype(), op,
        "expects f [N] and y [N] of -1/+1 in one dtype, found ", f.dtype(), ' ', f.shape(), " and ",
        y.dtype(), ' ', y.shape());
  return f * Variable(y);
}

}  // namespace

Variable cross_entropy(const Variable& logits, const Tensor& labels, Reduction reduction) {
  constexpr auto op = "cross_entropy";
  expect_logits(logits, labels, op);
  const Tensor x = kernels::contiguous(logits.value());
  const Tensor rows = kernels::contiguous(labels);
  const Tensor losses = Tensor::empty(labels.shape(), x.dtype(), x.device());
  kernels::cross_entropy(x, rows, losses);
  const Variable per_example = record_fused(
      op, losses, {logits},
      [x, rows](const Variable& g) {
        const Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
        kernels::cross_entropy_grad(x, rows, out);
        return std::vector{Variable(out) * reshape(g, {-1, 1})};
      },
      [rows](std::span<const Variable> in) {
        return neg(gather(log_softmax(in[0]), label_positions(rows, in[0].size(1), op)));
      });
  return reduce(per_example, reduction, op);
}

Variable logistic_loss(const Variable& f, const Tensor& y, Reduction reduction) {
  constexpr auto op = "logistic_loss";
  return reduce(softplus(neg(signed_output(f, y, op))), reduction, op);
}

Variable exponential_loss(const Variable& f, const Tensor& y, Reduction reduction) {
  constexpr auto op = "exponential_loss";
  return reduce(exp(neg(signed_output(f, y, op))), reduction, op);
}

Variable multiclass_exponential_loss(const Variable& logits, const Tensor& labels,
                                     Reduction reduction) {
  constexpr auto op = "multiclass_exponential_loss";
  expect_logits(logits, labels, op);
  const Tensor positions = label_positions(labels, logits.size(1), op);
  const Variable own = reshape(gather(logits, positions), {-1, 1});
  // The label's own term is exp(0) = 1, a constant.
  return reduce(sum(exp(logits - own), {1}) - 1.0, reduction, op);
}

Variable square_loss(const Variable& f, const Tensor& target, Reduction reduction) {
  constexpr auto op = "square_loss";
  check(f.rank() >= 1 && target.shape() == f.shape() && target.dtype() == f.dtype(), op,
        "expects f and target [N, ...] in one dtype, found ", f.dtype(), ' ', f.shape(), " and ",
        target.dtype(), ' ', target.shape());
  const Variable difference = f - Variable(target);
  Dims rest;
  for (int d = 1; d < f.rank(); ++d) rest.push_back(d);
  return reduce(sum(difference * difference, rest), reduction, op);
}

}  // namespace rho
