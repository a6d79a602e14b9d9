// Cross-entropy of a network and of its normalized twin, and the classification error.
#pragma once

#include "tools/measure/evaluate.h"

namespace rho::measure {

/// mean_n (log sum_j exp(z_nj) - z_ny) with z = logits * exp(-log_rho), in double: for log_rho 0
/// the cross-entropy of f, else that of f~ (Puzzles eq. 9 with its sign put right).
/// log_rho may be far beyond what exp() can represent.
double cross_entropy(const Outputs& outputs, double log_rho = 0.0);

/// cross_entropy(outputs, log_rho) - ln C, computed as mean_n log1p(1/C sum_j expm1(z_nj - z_ny)):
/// for a tiny f~ the two terms agree in all their digits, and their difference would be noise.
double cross_entropy_minus_log_classes(const Outputs& outputs, double log_rho);

/// Fraction of the examples whose label is not the predicted class, the first of the largest
/// logits. An example with a NaN logit counts as an error.
double error(const Outputs& outputs);

}  // namespace rho::measure
