// A run under way: its programs, one after the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/support/folder_lock.h"
#include "tools/sweep/folder.h"
#include "tools/sweep/running.h"

namespace rho::sweep {

class Job {
 public:
  enum class Progress { Running, Elsewhere, Done, Failed };

  /// `in_process`: of programs that can be, each is a thread of this process.
  Job(const Folder& folder, const Run& run, bool in_process);

  const Run& run() const { return *run_; }
  /// Goes on to the next program when one has ended, and records the end of the last one.
  /// Elsewhere: another process works on this run, ask again later.
  Progress poll();
  /// Epochs trained, as a fraction of those planned, of all phases.
  double fraction() const;

 private:
  Progress start();
  Progress start_next();
  Progress finish(int code);
  Progress fail(const std::string& error);
  std::string log() const;

  const Folder* folder_;
  const Run* run_;
  std::vector<Command> commands_;
  std::size_t at_ = 0;
  tools::FolderLock lock_;
  std::unique_ptr<Running> running_;
  bool in_process_;
};

}  // namespace rho::sweep
