#include "nn/gradient_step.h"

#include <utility>

#include "kernels/copy.h"
#include "kernels/precision.h"
#include "kernels/provider.h"

namespace rho::nn {

GradientStep::GradientStep(Module& model, Objective objective, bool captures, Update update)
    : model_(model),
      objective_(std::move(objective)),
      update_(std::move(update)),
      captures_(captures && model.is_replayable()) {
  for (const NamedParameter& parameter : model.parameters()) parameters_.push_back(parameter.value);
  for (const NamedBuffer& buffer : model.buffers()) buffers_.push_back(buffer.value);
}

GradientStep::Result GradientStep::operator()(const Tensor& inputs, const Tensor& labels) {
  if (!captures_ || !can_capture(inputs.device())) return run(inputs, labels);
  Signature now = signature_of(inputs, labels);
  if (graph_ != nullptr && now == captured_) {
    kernels::copy(inputs, inputs_);
    kernels::copy(labels, labels_);
    replay();
    model_.after_replay();
    last_ = std::move(now);
    return result_;
  }
  if (std::exchange(last_, now) != now) return run(inputs, labels);
  capture_step(inputs, labels);
  captured_ = std::move(now);
  replay();
  return result_;
}

GradientStep::Signature GradientStep::signature_of(const Tensor& inputs, const Tensor& labels) {
  Signature out;
  const auto add = [&](const Tensor& x) {
    out.insert(out.end(), x.shape().begin(), x.shape().end());
    out.push_back(static_cast<std::int64_t>(x.dtype()));
  };
  const auto add_place = [&](const Tensor& x) {
    out.push_back(static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(x.raw())));
  };
  add(inputs);
  add(labels);
  out.push_back(model_.training() ? 1 : 0);
  out.push_back(static_cast<std::int64_t>(kernels::product_precision()));
  out.push_back(static_cast<std::int64_t>(kernels::product_provider()));
  for (const Variable& parameter : parameters_) add_place(parameter.value());
  for (const Tensor* const buffer : buffers_) add_place(*buffer);
  return out;
}

GradientStep::Result GradientStep::run(const Tensor& inputs, const Tensor& labels) {
  // The last step's gradients need not lie beside this one's activations.
  for (Variable& parameter : parameters_) parameter.zero_grad();
  Result out;
  {
    const ProfileScope scope(SpanKind::Phase, kForward);
    out.outputs = model_(Variable(inputs));
    out.loss = objective_(out.outputs, labels);
  }
  {
    const ProfileScope scope(SpanKind::Phase, kBackward);
    out.loss.backward();
  }
  if (update_) update_();
  return out;
}

void GradientStep::capture_step(const Tensor& inputs, const Tensor& labels) {
  graph_.reset();
  inputs_ = kernels::clone(inputs);
  labels_ = kernels::clone(labels);
  graph_ = capture(inputs.device(), [&] { result_ = run(inputs_, labels_); });
  gradients_.clear();
  for (const Variable& parameter : parameters_) gradients_.push_back(parameter.grad());
}

void GradientStep::replay() {
  graph_->replay();
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].set_grad(gradients_[i]);
}

}  // namespace rho::nn
