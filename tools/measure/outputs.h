// The outputs themselves: the winning ones, their norm, and a table of every example.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/measure/evaluate.h"

namespace rho::measure {

struct Spread {
  double mean, std;  ///< of the examples at hand: std divides by their number
};

/// Mean and standard deviation over the examples of max_j f_j, divided by exp(log_rho) (Puzzles
/// Fig. 20). NaN where a logit is.
Spread winning_output(const Outputs& outputs, double log_rho = 0.0);

/// log ||f(x_n)||_2 of one example: what f is divided by in place of rho where layers are not
/// normalized (Puzzles). -inf for an output of zeros; throws unless 0 <= example < N.
double log_output_norm(const Outputs& outputs, std::int64_t example);

/// One line an example, without a header: `split`,index,label,predicted,winning_output,
/// normalized_winning_output,margin,normalized_margin, in as few digits as read back to the same
/// bits. The predicted class is -1 for an example with a NaN logit.
std::string example_rows(const std::string& split, const Outputs& outputs, double log_rho);
inline constexpr const char* kExampleColumns =
    "split,index,label,predicted,winning_output,normalized_winning_output,margin,"
    "normalized_margin\n";

}  // namespace rho::measure
