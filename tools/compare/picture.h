// Runs side by side as curves over the epochs.
#pragma once

#include <string>
#include <vector>

#include "tools/compare/runs.h"

namespace rho::compare {

/// Panels over the epochs, a curve a run: test error, training loss, normalized cross-entropy,
/// median normalized margin, log rho, and the norms of the first three layers that all runs have;
/// then the key. At most 16 runs are told apart. Throws, naming the path, where it can not be
/// drawn.
void draw(const std::vector<Run>& runs, const std::string& title, const std::string& path);

}  // namespace rho::compare
