// What a person sees of a training: a bar on a terminal, a line an epoch everywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tools/support/metrics.h"

namespace rho::tools {

class Progress {
 public:
  /// `examples` a training epoch; epochs `done` so far of `epochs`.
  Progress(std::int64_t examples, std::int64_t done, std::int64_t epochs);
  /// Wipes the bar, so that an error message starts on a line of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `seen` examples of the running epoch are done; `loss` is the last batch's, `img_per_s` the
  /// speed.
  void step(std::int64_t seen, double loss, double img_per_s);
  /// The epoch is over: prints its line.
  void epoch(const EpochRecord& record);
  /// Prints whole lines of something else.
  void print(const std::string& lines);

 private:
  using Clock = std::chrono::steady_clock;
  void wipe();

  std::int64_t examples_;
  std::int64_t first_;
  std::int64_t done_;
  std::int64_t epochs_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_{};
};

}  // namespace rho::tools
