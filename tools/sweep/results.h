// What a sweep has found so far.
#pragma once

#include <string>
#include <vector>

#include "tools/sweep/recipe.h"
#include "tools/sweep/table.h"

namespace rho::sweep {

struct Sweep {
  std::string folder;
  Recipe recipe;
  Options about;  ///< sweep.json
  Table results;

  /// Rows of results.csv by their "status": done, failed, or unfinished.
  std::vector<std::size_t> rows(const std::string& status) const;
  /// Runs that neither are done nor have failed.
  std::size_t unfinished() const;
};

/// Reads the folder of rho-sweep, which may still be at work. Throws, naming the file, where
/// recipe.json, sweep.json or results.csv is missing or malformed.
Sweep read_sweep(const std::string& folder);

/// "FOLDER/runs/007", for a row of results.csv.
std::string run_folder(const Sweep& sweep, std::size_t row);

}  // namespace rho::sweep
