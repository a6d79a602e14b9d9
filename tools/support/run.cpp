#include "tools/support/run.h"

#include <cstdio>
#include <filesystem>
#include <new>
#include <string>

#include "tensor/error.h"
#include "tools/support/command_line.h"
#include "tools/support/console.h"

namespace rho::tools {
namespace {

int report(const std::string& program, std::string message, int code) {
  for (char& c : message)
    if (c == '\n' || c == '\r') c = ' ';
  while (!message.empty() && message.back() == ' ') message.pop_back();
  std::fflush(console().out);
  std::fprintf(console().err, "%s: %s\n", program.c_str(), message.c_str());
  std::fflush(console().err);
  return code;
}

}  // namespace

int run_main(char** argv, const std::function<int()>& body) {
  const std::string program = std::filesystem::path(argv[0]).filename();
  try {
    return body();
  } catch (const UsageError& error) {
    return report(program, std::string(error.what()) + " (see --help)", 2);
  } catch (const std::bad_alloc&) {
    return report(program, "out of memory", 1);
  } catch (const std::exception& error) {
    return report(program, error.what(), 1);
  }
}

void check_output(const std::string& path) {
  if (path.empty()) return;
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
  check(fs::is_directory(folder), "output", path, ": there is no folder ", folder.string());
  check(!fs::is_directory(path), "output", path, " is a folder, expected a file name");
  check(!fs::exists(path) || fs::is_regular_file(path), "output", path, " is not a regular file");
}

}  // namespace rho::tools
