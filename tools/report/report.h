// A sweep as one page.
#pragma once

#include <string>
#include <vector>

#include "tools/figures/figure.h"
#include "tools/sweep/claims.h"
#include "tools/sweep/results.h"

namespace rho::report {

/// A verdict a claim of the recipe.
std::vector<sweep::Verdict> judge_all(const sweep::Sweep& sweep);

/// True where every asserted claim holds and no run is left to do.
bool passes(const sweep::Sweep& sweep, const std::vector<sweep::Verdict>& verdicts);

/// A line a claim, and one where runs are missing.
std::string to_text(const sweep::Sweep& sweep, const std::vector<sweep::Verdict>& verdicts);

/// HTML that needs nothing else: claims, figures (their files are put into the page), fitted lines,
/// results, configuration. Throws, naming the file, where a figure can not be read.
std::string to_html(const sweep::Sweep& sweep, const std::vector<sweep::Verdict>& verdicts,
                    const std::vector<figures::Drawn>& figures);

}  // namespace rho::report
