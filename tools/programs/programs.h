// The programs that compute with networks, as functions: a sweep runs many of them in one process,
// where they share a device.
#pragma once

#include <string>

namespace rho::tools {

/// As main has it: argv[0] names the program in messages, the result is the exit code. Text goes to
/// the thread's console (support/console.h).
int train_program(int argc, char** argv);
int measure_program(int argc, char** argv);
int approximate_program(int argc, char** argv);

/// The one of this name, "rho-train"; null where it is another program.
using Program = int (*)(int argc, char** argv);
Program find_program(const std::string& name);

}  // namespace rho::tools
