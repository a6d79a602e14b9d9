// Runs side by side in text.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/runs.h"

namespace rho::compare {

/// A row a run: losses, errors, scale and margins after its last epoch, and, where steps were
/// audited, the worst of its constraints.
std::string to_text(const std::vector<Run>& runs);

/// The same numbers.
Json to_json(const std::vector<Run>& runs);

}  // namespace rho::compare
