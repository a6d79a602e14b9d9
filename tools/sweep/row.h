// One run as one row of results.csv.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/sweep/plan.h"
#include "tools/sweep/table.h"

namespace rho::sweep {

/// Columns by name: numbers, texts, or null.
using Row = nlohmann::ordered_json;

/// Which run it is: its number, name, group, and where it stands on the axes.
Row identify(const Recipe& recipe, const Run& run);

/// What a finished run found, from the files in `folder`: the record of its last epoch, or of the
/// one nearest to the option "snapshot"; what rho-measure said; all options. Times and paths are
/// left out, so that a sweep that was interrupted gives the same rows. Throws, naming the file,
/// where one is missing or is not what the programs write.
Row read_row(const Recipe& recipe, const Run& run, const std::string& folder);

/// Rows under the union of their columns.
Table to_table(const std::vector<Row>& rows);

}  // namespace rho::sweep
