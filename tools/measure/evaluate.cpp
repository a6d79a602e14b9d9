#include "tools/measure/evaluate.h"

#include <vector>

namespace rho::measure {
namespace {

// Evaluation mode for the lifetime of the guard, also when a layer throws.
class EvaluationMode {
 public:
  explicit EvaluationMode(nn::Module& model) : model_(model), before_(model.training()) {
    model_.eval();
  }
  ~EvaluationMode() { model_.train(before_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  nn::Module& model_;
  bool before_;
};

template <class T>
void append(std::vector<T>& to, const Tensor& from) {
  const std::vector<T> values = from.to_vector<T>();
  to.insert(to.end(), values.begin(), values.end());
}

}  // namespace

Outputs evaluate(nn::Module& model, datasets::Loader& loader) {
  const NoGrad no_grad;
  const EvaluationMode mode(model);
  std::vector<double> logits;
  std::vector<std::int64_t> labels;
  std::int64_t classes = 0;
  const Device device = model.device();
  loader.start(0);
  while (const std::optional<datasets::Batch> batch = loader.next()) {
    const Tensor output = model(Variable(batch->inputs.to(device))).value();
    const std::int64_t rows = batch->labels.size(0);
    check(output.rank() == 2 && output.size(0) == rows, "evaluate", "the network gives ",
          output.shape(), " for ", rows, " examples, expected [", rows, ", classes]");
    classes = output.size(1);
    append(logits, output);
    append(labels, batch->labels);
  }
  check(!labels.empty(), "evaluate", "there are no examples");
  for (const std::int64_t label : labels)
    check(0 <= label && label < classes, "evaluate", "label ", label, ", but the network has ",
          classes, " classes");
  const auto count = static_cast<std::int64_t>(labels.size());
  return {Tensor::from(logits, {count, classes}, Device{}),
          Tensor::from(labels, {count}, Device{})};
}

}  // namespace rho::measure
