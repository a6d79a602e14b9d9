#include "tools/measure/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/measure/cross_entropy.h"

namespace rho::measure {
namespace {

// The logits of f~ then lie well between float32's smallest normal number, 1e-38, and its largest.
constexpr double kFloat32LogRho = 60.0;

void check_finite(const Outputs& outputs, const std::string& name) {
  for (const double logit : outputs.logits.to_vector<double>())
    check(std::isfinite(logit), "measure", "an output of the network on ", name, " is ", logit,
          ", expected finite numbers (--precision f64 has a wider range)");
}

SplitReport report_of(Outputs f, double log_rho) {
  SplitReport out;
  out.examples = f.labels.size(0);
  out.cross_entropy = cross_entropy(f);
  out.error = error(f);
  out.normalized_cross_entropy = cross_entropy(f, log_rho);
  out.normalized_cross_entropy_minus_log_classes = cross_entropy_minus_log_classes(f, log_rho);
  out.margin = summarize(margins(f));
  out.normalized_margins = margins(f, log_rho);
  out.normalized_margin = summarize(out.normalized_margins);
  out.mean_centred_margin = mean_centred_margin(f);
  out.normalized_mean_centred_margin = mean_centred_margin(f, log_rho);
  out.winning_output = winning_output(f);
  out.normalized_winning_output = winning_output(f, log_rho);
  out.outputs = std::move(f);
  return out;
}

}  // namespace

Report measure(const nn::ModelSpec& spec, nn::Module& model, const datasets::Split& split,
               const datasets::Standardization& standardization, const Options& options) {
  const Normalization twin = normalize(spec, model, options.p, DType::Float64, options.layer_norm);
  // f~ = f / rho is beyond float32's range for a deep network and p = 1, say: it stays in double.
  const DType twin_dtype = std::abs(twin.log_rho) < kFloat32LogRho ? options.dtype : DType::Float64;
  twin.normalized->to(twin_dtype);
  Report report;
  report.log_rho = twin.log_rho;
  report.layers = twin.layers;
  const auto measure_split = [&](const datasets::Dataset& dataset) {
    const auto outputs_of = [&](nn::Module& network, DType dtype) {
      datasets::LoaderOptions order;
      order.batch = options.batch;
      order.dtype = dtype;
      datasets::Loader loader(dataset, standardization, order);
      return evaluate(network, loader);
    };
    Outputs f = outputs_of(model, options.dtype);
    const Outputs f_tilde = outputs_of(*twin.normalized, twin_dtype);
    check_finite(f, dataset.name);
    check_finite(f_tilde, dataset.name);
    report.max_relative_deviation =
        std::max(report.max_relative_deviation, max_relative_deviation(f, f_tilde, twin.log_rho));
    report.classes_changed += classes_changed(f, f_tilde);
    return report_of(std::move(f), twin.log_rho);
  };
  report.train = measure_split(split.train);
  report.output_norm_example = options.output_norm_example;
  report.log_output_norm = log_output_norm(report.train.outputs, options.output_norm_example);
  report.test = measure_split(split.test);
  for (SplitReport* const of : {&report.train, &report.test}) {
    of->output_normalized_cross_entropy = cross_entropy(of->outputs, report.log_output_norm);
    of->output_normalized_cross_entropy_minus_log_classes =
        cross_entropy_minus_log_classes(of->outputs, report.log_output_norm);
  }
  return report;
}

std::string examples_csv(const Report& report) {
  return kExampleColumns + example_rows("train", report.train.outputs, report.log_rho) +
         example_rows("test", report.test.outputs, report.log_rho);
}

}  // namespace rho::measure
