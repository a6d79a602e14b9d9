// What a person sees of a sweep: a bar on a terminal, a line a run everywhere.
#pragma once

#include <chrono>
#include <string>

#include "tools/sweep/folder.h"

namespace rho::sweep {

class Progress {
 public:
  /// Without a `bar`: where another rank shows it.
  Progress(const Folder& folder, bool bar);
  /// Wipes the bar, so that what follows starts on a line of its own.
  ~Progress() { wipe(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A run has ended, here or elsewhere: prints its line.
  void ended(const Run& run);
  /// Whether there is a bar, and it is time to draw it again.
  bool due() const;
  /// `running` runs are under way here; `fraction` is the sum of their parts done. What others have
  /// ended counts too.
  void draw(std::size_t running, double fraction);

 private:
  using Clock = std::chrono::steady_clock;
  struct Counts {
    std::size_t done = 0, failed = 0;
  };
  Counts count() const;
  std::string time_left(const Counts& now, double fraction) const;
  void wipe();

  const Folder& folder_;
  Counts before_;
  bool bar_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now(), last_draw_{};
};

/// "3 min", "2 h 10 min", "45 s"
std::string duration_text(double seconds);

}  // namespace rho::sweep
