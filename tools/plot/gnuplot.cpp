#include "tools/plot/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "nn/atomic_file.h"
#include "nn/temporary_folder.h"
#include "tensor/error.h"

namespace rho::plot {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Runs gnuplot on a script, its messages in `log`; the exit code, or -1 where it can not be run.
int run_gnuplot(const std::string& script, const std::string& log) {
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&streams, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&streams, STDOUT_FILENO, STDERR_FILENO);
  std::string program = "gnuplot", argument = script;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, program.c_str(), &streams, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&streams);
  int status = 0;
  if (failed != 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

bool is_picture_name(const std::string& path) {
  return path.ends_with(".svg") || path.ends_with(".png");
}

void check_gnuplot() {
  const nn::TemporaryFolder folder("plot");
  std::ofstream(folder.file("script")) << "exit\n";
  check(run_gnuplot(folder.file("script"), folder.file("log")) == 0, "plot",
        "gnuplot can not be run; expected the program gnuplot in the PATH (Debian: gnuplot-nox)");
}

// In single quotes only the quote itself is special.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + "'";
}

void draw(const std::string& path, int width, int height, const std::string& body) {
  check(is_picture_name(path), "plot", path, ": expected a name ending in .svg or .png");
  const bool svg = path.ends_with(".svg");
  const nn::TemporaryFolder folder("plot");
  const std::string picture = folder.file(svg ? "out.svg" : "out.png");
  const std::string size = std::to_string(width) + ',' + std::to_string(height);
  nn::write_text(folder.file("script"),
                 "set terminal " +
                     (svg ? "svg size " + size + " font 'Helvetica,13' background '#ffffff'"
                          : "pngcairo size " + size + " font 'Helvetica,11'") +
                     " enhanced\nset output " + quoted(picture) +
                     "\nset border 3 linecolor '#404040'\nset tics nomirror\n"
                     "set grid y linecolor '#d8d8d8'\n" +
                     body + "unset output\n");
  const int code = run_gnuplot(folder.file("script"), folder.file("log"));
  const std::string content = read_file(picture);
  check(code == 0 && !content.empty(), "plot", path, ": gnuplot drew nothing: ",
        code < 0 ? "it can not be run (Debian: gnuplot-nox)" : read_file(folder.file("log")));
  nn::write_text(path, content);
}

}  // namespace rho::plot
