// What the main functions of all tools share: one way to parse, to fail, and to exit.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace rho::tools {

/// Runs `body` and returns its exit code. A failure is exactly one line "PROGRAM: message" on
/// stderr; the code is 2 for a wrong command line and 1 for everything else.
int run_main(const std::function<int()>& body);

/// Parses the command line. False when it asked for --help, which has then been printed. Throws a
/// CLI::ParseError (which run_main turns into exit code 2) when it is wrong.
bool parse_command_line(CLI::App& app, int argc, char** argv);

/// Throws, naming `path`, where no file can be written there: found out before long work, not after
/// it. An empty path stands for no output.
void check_output(const std::string& path);

}  // namespace rho::tools
