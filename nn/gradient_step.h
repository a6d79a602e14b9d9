// The part of a training step that a device can do without the host: forward, backward, and an
// update that asks the host nothing.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nn/module.h"
#include "tensor/graph.h"

namespace rho::nn {

/// Gradients of a model's loss, batch after batch. On a CUDA device the work is captured when two
/// batches of one shape have followed each other, and replayed for those to come.
class GradientStep {
 public:
  /// The loss of a batch, from its outputs and its labels.
  using Objective = std::function<Variable(const Variable& outputs, const Tensor& labels)>;

  struct Result {
    Variable outputs, loss;  ///< where the step was replayed, until the next one
  };

  /// What is done with the gradients, in the same order of work; captured and replayed with them
  /// (optim::Optimizer::enqueue). But for the parameters, what it writes stays where it is.
  using Update = std::function<void()>;

  /// `model` outlives this, and keeps its layers. `captures` says that neither the objective nor
  /// the update reads values on the host.
  GradientStep(Module& model, Objective objective, bool captures, Update update = {});

  /// Sets the grad() of every parameter to that of this batch, and updates. The labels lie on the
  /// device of the inputs, which is the model's.
  Result operator()(const Tensor& inputs, const Tensor& labels);

 private:
  // What a captured step has in it: shapes, whose products in which precision, and where parameters
  // and buffers are.
  using Signature = std::vector<std::int64_t>;
  Signature signature_of(const Tensor& inputs, const Tensor& labels);
  Result run(const Tensor& inputs, const Tensor& labels);
  void capture_step(const Tensor& inputs, const Tensor& labels);
  void replay();

  Module& model_;
  std::vector<Variable> parameters_;  // of the model, found once
  std::vector<const Tensor*> buffers_;
  Objective objective_;
  Update update_;
  bool captures_;
  Signature last_, captured_;
  std::unique_ptr<Graph> graph_;
  Tensor inputs_, labels_;  // of the captured step, as its result and its gradients
  Result result_;
  std::vector<Variable> gradients_;
};

}  // namespace rho::nn
