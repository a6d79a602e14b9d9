#include "tools/sweep/task.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "tensor/error.h"
#include "tools/programs/programs.h"
#include "tools/support/console.h"

namespace rho::sweep {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File create(const std::string& path) {
  File file(std::fopen(path.c_str(), "we"));
  check(file != nullptr, "sweep", path, ": ", std::strerror(errno));
  return file;
}

int call(tools::Program program, const Command& command, std::FILE* out, std::FILE* err) {
  tools::console() = {out, err};
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return program(static_cast<int>(words.size()), arguments.data());
}

}  // namespace

bool Task::can_run(const Command& command) {
  return tools::find_program(command.program) != nullptr;
}

Task::Task(const Command& command, const std::string& log) {
  const tools::Program program = tools::find_program(command.program);
  check(program != nullptr, "sweep", command.program, " is not a part of this program");
  thread_ = std::thread(
      [this, program, command, out = create(log + ".log"), err = create(log + ".err")]() mutable {
        code_ = call(program, command, out.get(), err.get());
        out.reset();  // complete before the end is known
        err.reset();
        ended_ = true;
      });
}

Task::~Task() {
  if (thread_.joinable()) thread_.join();
}

std::optional<int> Task::poll() {
  if (!ended_) return std::nullopt;
  thread_.join();
  return code_;
}

}  // namespace rho::sweep
