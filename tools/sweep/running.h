// A program of a run, under way.
#pragma once

#include <optional>

namespace rho::sweep {

class Running {
 public:
  Running() = default;
  virtual ~Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// Nothing while it runs; then the exit code, or minus the signal that ended it.
  virtual std::optional<int> poll() = 0;
};

}  // namespace rho::sweep
