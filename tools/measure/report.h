// Everything that is measured of one trained network.
#pragma once

#include <string>
#include <vector>

#include "nn/model.h"
#include "tools/measure/margins.h"
#include "tools/measure/normalization.h"
#include "tools/measure/outputs.h"

namespace rho::measure {

struct SplitReport {
  std::int64_t examples = 0;
  double cross_entropy = 0.0;
  double error = 0.0;
  double normalized_cross_entropy = 0.0;
  double normalized_cross_entropy_minus_log_classes = 0.0;
  // The same for f divided by the norm of its output on one example:
  double output_normalized_cross_entropy = 0.0;
  double output_normalized_cross_entropy_minus_log_classes = 0.0;
  MarginSummary margin{};
  MarginSummary normalized_margin{};
  double mean_centred_margin = 0.0;
  double normalized_mean_centred_margin = 0.0;
  Spread winning_output{};
  Spread normalized_winning_output{};
  std::vector<double> normalized_margins;  ///< of every example
  Outputs outputs;                         ///< of f
};

struct Report {
  double log_rho = 0.0;
  double log_output_norm = 0.0;  ///< of training example `output_norm_example`
  std::int64_t output_norm_example = 0;
  std::vector<nn::LayerNorm> layers;  ///< after folding batch norm
  SplitReport train, test;
  // Over both splits, from forward passes of f and of f~:
  double max_relative_deviation = 0.0;
  std::int64_t classes_changed = 0;
};

struct Options {
  double p = 2.0;                ///< the layers' norm
  DType dtype = DType::Float32;  ///< of the forward passes; f~'s are double where rho is extreme
  std::int64_t batch = 100;
  double layer_norm = 1.0;               ///< of every layer of f~
  std::int64_t output_norm_example = 0;  ///< the training example whose output norm is taken
};

/// Measures `model`, an instance of `spec` in options.dtype, in evaluation mode on both splits.
/// Throws where an output is not finite: nothing could be said about it; and where there is no such
/// example.
Report measure(const nn::ModelSpec& spec, nn::Module& model, const datasets::Split& split,
               const datasets::Standardization& standardization, const Options& options);

/// A CSV table of every example of both splits, after a line with the names of its columns.
std::string examples_csv(const Report& report);

/// The report as tables for a terminal.
std::string to_text(const Report& report);

}  // namespace rho::measure
