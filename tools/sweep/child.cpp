#include "tools/sweep/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <vector>

#include "tensor/error.h"

namespace rho::sweep {
namespace {

namespace fs = std::filesystem;

constexpr int kNotStarted = 127;  // as a shell has it

std::string find_program(const std::string& name) {
  const fs::path beside = fs::read_symlink("/proc/self/exe").parent_path() / name;
  return fs::exists(beside) ? beside.string() : name;
}

int open_log(const std::string& path) {
  const int out = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  check(out >= 0, "sweep", path, ": ", std::strerror(errno));
  return out;
}

// Between fork and exec: only what a signal handler may call.
[[noreturn]] void become(char* const* arguments, int out, int error, int descriptor, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotStarted);  // it ended before it could be asked for
  dup2(out, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  if (descriptor >= 0) fcntl(descriptor, F_SETFD, 0);
  execvp(arguments[0], arguments);
  _exit(kNotStarted);
}

}  // namespace

Child::Child(const Command& command, const std::string& log, int descriptor) {
  std::vector<std::string> words{find_program(command.program)};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int out = open_log(log + ".log"), error = open_log(log + ".err");
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ == 0) become(arguments.data(), out, error, descriptor, parent);
  close(out);
  close(error);
  check(process_ > 0, "sweep", command.program, " can not be started: ", std::strerror(errno));
}

Child::~Child() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

std::optional<int> Child::poll() {
  int status = 0;
  if (waitpid(process_, &status, WNOHANG) != process_) return std::nullopt;
  process_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace rho::sweep
