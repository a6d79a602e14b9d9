// The profile that rho-train --profile makes: which steps of a run, and where it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor/profile.h"
#include "tools/support/checkpoint.h"

namespace rho::tools {

class StepProfiler {
 public:
  static constexpr std::int64_t kWarmUp = 3;  ///< steps that fill caches, and are not recorded
  static constexpr std::int64_t kSteps = 10;  ///< that are recorded; fewer where the run is shorter

  /// Records nothing.
  StepProfiler() = default;
  /// For a run of `steps` steps: writes profile.json and profile.txt into `directory`, which
  /// outlives this. Throws where that cannot be, or no step is left after the warm-up.
  StepProfiler(const RunDirectory& directory, std::int64_t steps);

  /// The profile of the step that begins now; null: it is not recorded.
  Profile* next_step();
  /// The table, when the step that ended was the last one to record, and has just been written with
  /// the trace; else nothing.
  std::optional<std::string> report();

 private:
  std::string trace_, table_;  // paths
  std::int64_t first_ = 0, end_ = 0, step_ = 0;
  std::optional<Profile> profile_;
};

}  // namespace rho::tools
