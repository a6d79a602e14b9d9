#include "tools/measure/normalization.h"

#include "nn/fold.h"
#include "nn/normalize.h"
#include "nn/state.h"
#include "tools/measure/logits.h"

namespace rho::measure {
namespace {

std::shared_ptr<nn::Module> folded_copy(const nn::ModelSpec& spec, nn::Module& model, DType dtype) {
  Rng rng(0);  // its weights are replaced at once
  std::shared_ptr<nn::Module> copy = nn::make_model(spec, {}, rng, dtype);
  copy->to(model.device());
  nn::copy_state(model, *copy);
  nn::fold_weight_norm(*copy);
  nn::fold_batch_norm(*copy);
  return copy;
}

void check_same_shape(const Outputs& f, const Outputs& f_tilde) {
  check(f.logits.shape() == f_tilde.logits.shape(), "normalization", "logits ", f.logits.shape(),
        " and ", f_tilde.logits.shape(), " are not of the same examples");
}

}  // namespace

Normalization normalize(const nn::ModelSpec& spec, nn::Module& model, double p, DType dtype,
                        double layer_norm) {
  Normalization out;
  out.normalized = folded_copy(spec, model, dtype);
  const nn::Rescaling state = nn::normalize(*out.normalized, p, true, layer_norm);
  out.log_rho = state.log_scale;
  out.layers = state.layers;
  return out;
}

double max_relative_deviation(const Outputs& f, const Outputs& f_tilde, double log_rho) {
  check_same_shape(f, f_tilde);
  const Normalizer scaled(log_rho);
  const std::vector<double> a = f.logits.to_vector<double>();
  const std::vector<double> b = f_tilde.logits.to_vector<double>();
  double difference = 0.0, largest = 0.0;
  const auto raise = [](double& to, double value) {
    if (!(value <= to)) to = value;  // a NaN is taken, and stays
  };
  for (std::size_t i = 0; i < a.size(); ++i) {
    raise(largest, std::abs(scaled(a[i])));
    raise(difference, std::abs(scaled(a[i]) - b[i]));
    if (std::isnan(difference)) return difference;
  }
  return difference == 0.0 ? 0.0 : difference / largest;
}

std::int64_t classes_changed(const Outputs& f, const Outputs& f_tilde) {
  check_same_shape(f, f_tilde);
  std::vector<std::int64_t> classes;
  for_each_example(f, [&](std::span<const double> row, std::size_t) {
    classes.push_back(predicted_class(row));
  });
  std::int64_t changed = 0;
  std::size_t n = 0;
  for_each_example(f_tilde, [&](std::span<const double> row, std::size_t) {
    if (predicted_class(row) != classes[n++]) ++changed;
  });
  return changed;
}

}  // namespace rho::measure
