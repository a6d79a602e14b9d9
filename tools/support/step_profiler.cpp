#include "tools/support/step_profiler.h"

#include <algorithm>

#include "nn/atomic_file.h"
#include "tools/support/profile_report.h"
#include "tools/support/run.h"

namespace rho::tools {

StepProfiler::StepProfiler(const RunDirectory& directory, std::int64_t steps)
    : trace_(directory.file("profile.json")),
      table_(directory.file("profile.txt")),
      first_(kWarmUp),
      end_(std::min(steps, kWarmUp + kSteps)),
      profile_(std::in_place) {
  check(steps > kWarmUp, "profile", "the first ", kWarmUp, " steps only warm up, and this run has ",
        steps);
  check_output(trace_);
  check_output(table_);
}

Profile* StepProfiler::next_step() {
  const std::int64_t step = step_++;
  return first_ <= step && step < end_ ? &*profile_ : nullptr;
}

std::optional<std::string> StepProfiler::report() {
  if (!profile_ || step_ < end_) return std::nullopt;
  std::string table = to_text(summarize(*profile_));
  nn::write_text(trace_, to_trace(*profile_).dump() + "\n");
  nn::write_text(table_, table);
  profile_.reset();
  return table;
}

}  // namespace rho::tools
