// The folder of a sweep: what a sweep that may be killed at any moment leaves there.
#pragma once

#include <string>
#include <vector>

#include "tools/sweep/plan.h"
#include "tools/sweep/row.h"

namespace rho::sweep {

/// recipe.json and sweep.json say what the sweep is; runs/K holds what the programs of run K wrote,
/// and row.json once they are done, or error.txt; results.csv is collected from those. Every
/// file is replaced in one step, so several processes, on several machines, may work on one folder.
class Folder {
 public:
  enum class State { Unfinished, Done, Failed };

  /// Makes the folder where missing. Throws, naming what differs, where it holds another sweep.
  Folder(std::string path, Recipe recipe, std::vector<Run> runs);

  const std::string& path() const { return path_; }
  const Recipe& recipe() const { return recipe_; }
  const std::vector<Run>& runs() const { return runs_; }

  std::string of(const Run& run) const;
  State state(const Run& run) const;
  /// The line that a failed run ended with.
  std::string error(const Run& run) const;

  /// The run goes on, or starts: it has not failed any more.
  void begin(const Run& run) const;
  void save_done(const Run& run) const;
  void save_failed(const Run& run, const std::string& error) const;
  /// Writes results.csv: a row a run, in the order of the plan.
  void collect() const;

 private:
  void claim() const;

  std::string path_;
  Recipe recipe_;
  std::vector<Run> runs_;
};

}  // namespace rho::sweep
