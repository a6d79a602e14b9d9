// Where a program writes: several may run in one process.
#pragma once

#include <cstdio>

namespace rho::tools {

/// What a person reads, and what went wrong.
struct Console {
  std::FILE* out;
  std::FILE* err;
};

/// This thread's: standard output and standard error, until it is given others.
inline Console& console() {
  thread_local Console own{stdout, stderr};
  return own;
}

}  // namespace rho::tools
