// The command lines of all tools: the one place that knows CLI11, which is slow to compile.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace rho::tools {

/// A wrong command line; run_main turns it into exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  UsageError(const std::string& flag, const std::string& problem)
      : std::runtime_error(flag + ": " + problem) {}
};

/// Throws a UsageError that names `flag` unless `ok`.
void require(bool ok, const std::string& flag, const std::string& expected);

/// The same where `path` has no suffix of a picture that can be drawn.
void require_picture(const std::string& flag, const std::string& path);

/// What `parse` makes of a flag's value; its complaint becomes the flag's.
template <class Parse>
auto parsed(const std::string& flag, Parse&& parse) {
  try {
    return parse();
  } catch (const Error& error) {
    throw UsageError(flag, error.what());
  }
}

/// What else is known of an option.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& one_of(const std::vector<std::string>& known);
  /// low <= value <= high, and a number. T is the option's type, as the help names it.
  template <class T>
  Option& range(T low, T high);
  /// Not together with `other`.
  Option& excludes(const Option& other);
  /// Where the help lists it.
  Option& group(const std::string& heading);

 private:
  CLI::Option* option_;
};

/// Options are filled in by parse(); what they hold before is their default, and shown in the help.
/// The last of several values counts, so that a script's options can be overridden by appending.
class CommandLine {
 public:
  CommandLine(const std::string& program, const std::string& description,
              const std::string& examples);
  ~CommandLine();
  CommandLine(CommandLine&&) noexcept;
  CommandLine& operator=(CommandLine&&) = delete;

  /// T: bool (a flag without a value), int, std::int64_t, std::uint64_t, double, std::string,
  /// std::vector<std::string> (any number of values), or std::optional<std::int64_t or std::string>
  /// (no default). A `name` without dashes stands by its place.
  template <class T>
  Option add(const std::string& name, T& value, const std::string& help);

  /// One of `known`, handed to `choose`; without it the first holds.
  Option add(const std::string& name, const std::vector<std::string>& known,
             const std::function<void(const std::string&)>& choose, const std::string& help);

  /// A command of its own with its own options. Where there are any, exactly one is to be given.
  CommandLine command(const std::string& name, const std::string& help);
  /// Whether the command line named this command.
  bool chosen() const;

  /// False when it asked for --help, which has then been printed. Throws a UsageError.
  bool parse(int argc, char** argv);
  /// Whether the command line had this option.
  bool given(const std::string& name) const;

 private:
  explicit CommandLine(CLI::App* command);

  std::unique_ptr<CLI::App> owned_;  // but of a command
  CLI::App* app_;
};

}  // namespace rho::tools
