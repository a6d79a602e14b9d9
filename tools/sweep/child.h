// A program that runs beside this one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tools/sweep/plan.h"

namespace rho::sweep {

/// Ends with this process, however that ends.
class Child {
 public:
  /// Starts the command's program: the one beside this program's file, or else on the PATH.
  /// Standard output goes to LOG.log, errors to LOG.err. `descriptor` stays open in it. Throws,
  /// naming the program, where it can not be started.
  Child(const Command& command, const std::string& log, int descriptor);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Nothing while it runs; then the exit code, or minus the signal that ended it.
  std::optional<int> poll();

 private:
  pid_t process_ = -1;
};

}  // namespace rho::sweep
