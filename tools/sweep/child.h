// A program that runs beside this one.
#pragma once

#include <sys/types.h>

#include <string>

#include "tools/sweep/plan.h"
#include "tools/sweep/running.h"

namespace rho::sweep {

/// Ends with this process, however that ends.
class Child final : public Running {
 public:
  /// Starts the command's program: the one beside this program's file, or else on the PATH.
  /// Standard output goes to LOG.log, errors to LOG.err. `descriptor` stays open in it. Throws,
  /// naming the program, where it can not be started.
  Child(const Command& command, const std::string& log, int descriptor);
  ~Child() override;

  std::optional<int> poll() override;

 private:
  pid_t process_ = -1;
};

}  // namespace rho::sweep
