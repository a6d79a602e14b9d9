#include "tools/sweep/job.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "nn/atomic_file.h"
#include "tensor/error.h"
#include "tools/sweep/child.h"
#include "tools/sweep/task.h"

namespace rho::sweep {
namespace {

std::int64_t lines_of(const std::string& path) {
  std::ifstream in(path);
  return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
}

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string last;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) last = line;
  return last;
}

// For a person: the same commands, to repeat one by hand.
std::string script(const std::vector<Command>& commands) {
  std::string out;
  for (const Command& command : commands) {
    out += command.program;
    for (const std::string& argument : command.arguments) out += " '" + argument + "'";
    out += '\n';
  }
  return out;
}

}  // namespace

Job::Job(const Folder& folder, const Run& run, bool in_process)
    : folder_(&folder),
      run_(&run),
      commands_(commands(folder.recipe(), run, folder.of(run))),
      in_process_(in_process) {}

Job::Progress Job::poll() {
  if (lock_.descriptor() < 0) return start();
  const std::optional<int> code = running_->poll();
  return code ? finish(*code) : Progress::Running;
}

Job::Progress Job::start() {
  std::filesystem::create_directories(folder_->of(*run_));
  if (!lock_.try_acquire(folder_->of(*run_))) return Progress::Elsewhere;
  if (folder_->state(*run_) == Folder::State::Done) return Progress::Done;
  folder_->begin(*run_);
  nn::write_text(folder_->of(*run_) + "/commands.sh", script(commands_));
  return start_next();
}

Job::Progress Job::start_next() {
  if (in_process_ && Task::can_run(commands_[at_]))
    running_ = std::make_unique<Task>(commands_[at_], log());
  else
    running_ = std::make_unique<Child>(commands_[at_], log(), lock_.descriptor());
  return Progress::Running;
}

Job::Progress Job::finish(int code) {
  if (code != 0) {
    const std::string said = last_line(log() + ".err");
    return fail(code < 0 ? commands_[at_].program + ": ended by signal " + strsignal(-code)
                : said.empty()
                    ? commands_[at_].program + ": ended with code " + std::to_string(code)
                    : said);
  }
  if (++at_ < commands_.size()) return start_next();
  try {
    folder_->save_done(*run_);
  } catch (const Error& error) {
    return fail(error.what());
  }
  return Progress::Done;
}

Job::Progress Job::fail(const std::string& error) {
  folder_->save_failed(*run_, error);
  return Progress::Failed;
}

double Job::fraction() const {
  double done = 0.0, all = 0.0;
  for (const Phase& phase : run_->phases) {
    const auto epochs = static_cast<double>(phase.options.value("epochs", 10));
    done += static_cast<double>(lines_of(folder_->of(*run_) + "/" + phase.name + "/metrics.jsonl"));
    all += epochs;
  }
  return all > 0 ? std::min(1.0, done / all) : 0.0;
}

std::string Job::log() const { return folder_->of(*run_) + "/" + commands_[at_].name; }

}  // namespace rho::sweep
