// The loop of a sweep: runs start as others end.
#pragma once

#include <functional>
#include <optional>

#include "tools/sweep/folder.h"

namespace rho::sweep {

struct Source {
  std::function<std::optional<std::size_t>()> next;  ///< a run to do; nothing when none is left
  std::function<void()> between = [] {};             ///< is called now and then
  bool bar = true;                                   ///< shows how the whole sweep stands
};

/// How runs are done: `jobs` at a time, each with `threads` threads of the CPU, and as threads of
/// this process where that is possible and asked for.
struct Drive {
  std::size_t jobs = 1;
  int threads = 1;
  bool in_process = false;
};

/// Does the runs that `source` gives. A run that fails does not stop the others; one that another
/// process works on is waited for.
void drive(const Folder& folder, const Source& source, const Drive& how);

}  // namespace rho::sweep
