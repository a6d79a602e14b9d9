#include "tools/support/run.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <iostream>
#include <new>
#include <string>

namespace rho::tools {
namespace {

int report(std::string message, int code) {
  for (char& c : message)
    if (c == '\n' || c == '\r') c = ' ';
  while (!message.empty() && message.back() == ' ') message.pop_back();
  std::cout.flush();
  std::cerr << program_invocation_short_name << ": " << message << std::endl;
  return code;
}

}  // namespace

int run_main(const std::function<int()>& body) {
  try {
    return body();
  } catch (const CLI::ParseError& error) {
    return report(std::string(error.what()) + " (see --help)", 2);
  } catch (const std::bad_alloc&) {
    return report("out of memory", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}

bool parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::Success& request) {
    app.exit(request);
    return false;
  }
}

}  // namespace rho::tools
