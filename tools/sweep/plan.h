// A recipe multiplied out: every run, its options, and the command lines that make it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/sweep/recipe.h"

namespace rho::sweep {

struct Run {
  std::size_t index = 0;
  std::string name;                 ///< "init-std=0.01 seed=1"
  std::string group;                ///< "grid", or what a single run names
  std::vector<std::string> levels;  ///< a label an axis of the recipe; empty where it has none
  std::vector<Phase> phases;        ///< every option of each
  Options options;                  ///< of a program that has no phases
};

/// A program to start, with the folder of the run in its arguments.
struct Command {
  std::string name;  ///< of its log
  std::string program;
  std::vector<std::string> arguments;
};

/// What the command line of a sweep says about every run.
struct Overrides {
  std::string data;            ///< in place of the recipe's; empty: none
  std::string device = "cpu";  ///< where networks are trained and measured
  std::string precision;       ///< of rho-train, in place of the recipe's; empty: none
  std::string provider;        ///< the same
};

/// The grid in the order of its axes, the last one fastest, then the single runs. Throws where an
/// option names a phase that there is not, or the precision or the provider is that of a program
/// that has none.
std::vector<Run> make_plan(const Recipe& recipe, const Overrides& overrides = {});

/// What a run consists of, one after the other; `folder` is the run's.
std::vector<Command> commands(const Recipe& recipe, const Run& run, const std::string& folder);

/// What is run, for telling one sweep from another.
nlohmann::ordered_json to_json(const Recipe& recipe, const std::vector<Run>& runs);

/// The option "snapshot" of the last phase: the training loss whose nearest epoch is measured.
std::optional<double> snapshot_loss(const Run& run);

/// The folder of a run in that of its sweep: "SWEEP/runs/007".
std::string run_folder(const std::string& sweep, std::size_t run);

}  // namespace rho::sweep
