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

/// Does the runs that `source` gives, `jobs` at a time, each with `threads` threads. A run that
/// fails does not stop the others; one that another process works on is waited for.
void drive(const Folder& folder, const Source& source, std::size_t jobs, int threads);

}  // namespace rho::sweep
