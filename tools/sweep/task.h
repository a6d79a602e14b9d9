// A program in a thread of this process: on a device, where the work of several threads runs side
// by side and that of several processes takes turns.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "tools/sweep/plan.h"
#include "tools/sweep/running.h"

namespace rho::sweep {

class Task final : public Running {
 public:
  /// Whether the command's program can be run like this.
  static bool can_run(const Command& command);

  /// Starts it. Its text goes to LOG.log, errors to LOG.err. Throws, naming the file, where these
  /// can not be written.
  Task(const Command& command, const std::string& log);
  /// Waits for its end.
  ~Task() override;

  std::optional<int> poll() override;

 private:
  std::atomic<bool> ended_ = false;
  int code_ = 0;
  std::thread thread_;
};

}  // namespace rho::sweep
