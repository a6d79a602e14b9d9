// How far every example is from being misclassified.
#pragma once

#include <vector>

#include "tools/measure/evaluate.h"

namespace rho::measure {

/// eta_n = f_y - max_{j != y} f_j (docs/theory.md), divided by exp(log_rho); in the order of
/// the examples. Throws for less than two classes. NaN for an example with a NaN logit.
std::vector<double> margins(const Outputs& outputs, double log_rho = 0.0);

/// mean_n (f_y - mean_j f_j), divided by exp(log_rho): to first order the cross-entropy is ln C
/// minus this (docs/theory.md). NaN where a logit is.
double mean_centred_margin(const Outputs& outputs, double log_rho = 0.0);

struct MarginSummary {
  double min, mean, p1, p5, p10, p25, p50;
};

/// Minimum, mean and percentiles of `factor` (> 0) times the margins. Percentiles interpolate
/// linearly between the two nearest ranks, as numpy.percentile does. All NaN where a margin is;
/// throws without margins.
MarginSummary summarize(std::vector<double> margins, double factor = 1.0);

}  // namespace rho::measure
