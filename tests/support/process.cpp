#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace rho::testing {
namespace {

// Starts `command` with its streams in the two files (-1: thrown away).
pid_t start(const Arguments& command, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& argument : command) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out < 0 ? null : out, STDOUT_FILENO);
  ::dup2(err < 0 ? null : err, STDERR_FILENO);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

}  // namespace

std::string program(const std::string& name) {
  const char* const folder = std::getenv("RHO_BIN_DIR");
  return std::string(folder != nullptr ? folder : RHO_BIN_DIR) + "/" + name;
}

Finished run(const Arguments& command) {
  std::FILE* out = std::tmpfile();
  std::FILE* err = std::tmpfile();
  if (out == nullptr || err == nullptr) throw std::runtime_error("no temporary file");
  const pid_t child = start(command, ::fileno(out), ::fileno(err));
  int status = 0;
  ::waitpid(child, &status, 0);
  Finished finished;
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  finished.out = content(out);
  finished.err = content(err);
  return finished;
}

bool run_and_kill(const Arguments& command, const std::function<bool()>& now) {
  const pid_t child = start(command, -1, -1);
  int status = 0;
  while (!now()) {
    if (::waitpid(child, &status, WNOHANG) == child) return false;
    ::usleep(50);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

}  // namespace rho::testing
