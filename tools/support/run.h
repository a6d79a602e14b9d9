// What the main functions of all tools share: one way to parse, to fail, and to exit.
#pragma once

#include <functional>
#include <string>

namespace rho::tools {

/// Runs `body` and returns its exit code. A failure is exactly one line "PROGRAM: message", with
/// argv[0]'s name, on the console; the code is 2 for a wrong command line and 1 for everything
/// else.
int run_main(char** argv, const std::function<int()>& body);

/// The same of run(options): `parse` reads them from the command line, or has none after --help.
template <class Parse, class Run>
int run_main(int argc, char** argv, Parse&& parse, Run&& run) {
  return run_main(argv, [&] {
    const auto options = parse(argc, argv);
    return options ? run(*options) : 0;
  });
}

/// Throws, naming `path`, where no file can be written there: found out before long work, not after
/// it. An empty path stands for no output.
void check_output(const std::string& path);

}  // namespace rho::tools
