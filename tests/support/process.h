// Runs the tools as a user does: a command line in, an exit code and two streams out.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace rho::testing {

struct Finished {
  int code = -1;    ///< exit code, or minus the signal that ended it
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

using Arguments = std::vector<std::string>;

/// The path of a tool: in the folder that RHO_BIN_DIR names in the environment, else in that of the
/// build.
std::string program(const std::string& name);

/// Runs a program to its end.
Finished run(const Arguments& command);

/// Runs a program, and kills it (SIGKILL) as soon as `now` holds. True when it was killed, false
/// when it ended before.
bool run_and_kill(const Arguments& command, const std::function<bool()>& now);

}  // namespace rho::testing
