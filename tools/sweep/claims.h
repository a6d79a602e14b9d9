// What a paper says, against what the runs give.
#pragma once

#include <string>

#include "tools/sweep/recipe.h"
#include "tools/sweep/table.h"

namespace rho::sweep {

/// The number that a claim is about, and whether it lies in the claim's bounds.
struct Verdict {
  double value = 0.0;  ///< NaN where there is a problem
  bool holds = false;
  std::string problem;  ///< why there is no value; empty where there is one
};

/// Statistics over the rows that are done: of the least-squares line of y over x "slope",
/// "intercept", "r2", "rmse"; "offset", the intercept of the best line of slope 1; "spearman";
/// of y "min", "max", "mean", "std" (n - 1), "range" (max - min); and "ratio", the largest over x
/// of mean y in the numerator's rows / mean y in the denominator's. Where the rows do not give the
/// number, the verdict says why.
Verdict judge(const Claim& claim, const Table& results);

/// "reproduced", "not reproduced", or "not asserted".
std::string outcome(const Claim& claim, const Verdict& verdict);

/// "at least 0.9, at most 1.1".
std::string bounds(const Claim& claim);

/// One line: outcome, text, value, bounds, and the published value.
std::string to_text(const Claim& claim, const Verdict& verdict);

}  // namespace rho::sweep
