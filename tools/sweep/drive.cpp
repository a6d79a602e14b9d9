#include "tools/sweep/drive.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <list>
#include <thread>

#include "tools/sweep/job.h"
#include "tools/sweep/progress.h"

namespace rho::sweep {
namespace {

class Driver {
 public:
  Driver(const Folder& folder, const Source& source, const Drive& how)
      : folder_(folder), source_(source), how_(how), progress_(folder, source.bar) {}

  void run() {
    folder_.collect();
    while (refill() || !running_.empty() || !elsewhere_.empty()) {
      poll(running_);
      if (running_.size() < how_.jobs) poll(elsewhere_);
      source_.between();
      draw();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  // True when a run has started.
  bool refill() {
    bool started = false;
    while (running_.size() < how_.jobs && !exhausted_) {
      const std::optional<std::size_t> next = source_.next();
      exhausted_ = !next;
      if (next && folder_.state(folder_.runs()[*next]) != Folder::State::Done) {
        running_.emplace_back(folder_, folder_.runs()[*next], how_.in_process);
        started = true;
      }
    }
    return started;
  }

  // Those that another process works on change lists.
  void poll(std::list<Job>& jobs) {
    for (auto job = jobs.begin(); job != jobs.end();) {
      const auto at = job++;
      switch (at->poll()) {
        case Job::Progress::Running:
          if (&jobs == &elsewhere_) running_.splice(running_.end(), jobs, at);
          break;
        case Job::Progress::Elsewhere:
          if (&jobs == &running_) elsewhere_.splice(elsewhere_.end(), jobs, at);
          break;
        case Job::Progress::Done:
        case Job::Progress::Failed:
          progress_.ended(at->run());
          jobs.erase(at);
          folder_.collect();
      }
    }
  }

  void draw() {
    if (!progress_.due()) return;
    double fraction = 0.0;
    for (const Job& job : running_) fraction += job.fraction();
    progress_.draw(running_.size(), fraction);
  }

  const Folder& folder_;
  const Source& source_;
  const Drive& how_;
  Progress progress_;
  bool exhausted_ = false;
  std::list<Job> running_, elsewhere_;
};

}  // namespace

void drive(const Folder& folder, const Source& source, const Drive& how) {
  setenv("OMP_NUM_THREADS", std::to_string(how.threads).c_str(), 1);  // the programs inherit it
  Driver(folder, source, how).run();
}

}  // namespace rho::sweep
