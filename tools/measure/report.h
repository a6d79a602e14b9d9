// Everything that is measured of one trained network.
#pragma once

#include <string>
#include <vector>

#include "nn/model.h"
#include "tools/measure/margins.h"
#include "tools/measure/normalization.h"

namespace rho::measure {

struct SplitReport {
  std::int64_t examples = 0;
  double cross_entropy = 0.0;
  double error = 0.0;
  double normalized_cross_entropy = 0.0;
  double normalized_cross_entropy_minus_log_classes = 0.0;
  MarginSummary margin{};
  MarginSummary normalized_margin{};
  std::vector<double> normalized_margins;  ///< of every example
};

struct Report {
  double log_rho = 0.0;
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
};

/// Measures `model`, an instance of `spec` in options.dtype, in evaluation mode on both splits.
/// Throws where an output is not finite: nothing could be said about it.
Report measure(const nn::ModelSpec& spec, nn::Module& model, const datasets::Split& split,
               const datasets::Standardization& standardization, const Options& options);

/// The report as tables for a terminal.
std::string to_text(const Report& report);

}  // namespace rho::measure
