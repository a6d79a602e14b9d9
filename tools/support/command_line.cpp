#include "tools/support/command_line.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "tools/plot/gnuplot.h"

namespace rho::tools {
namespace {

template <class T>
constexpr bool has_default = true;
template <class T>
constexpr bool has_default<std::optional<T>> = false;
template <class T>
constexpr bool has_default<std::vector<T>> = false;

}  // namespace

void require(bool ok, const std::string& flag, const std::string& expected) {
  if (!ok) throw UsageError(flag, expected);
}

void require_picture(const std::string& flag, const std::string& path) {
  require(plot::is_picture_name(path), flag, "\"" + path + "\" must end in .svg or .png");
}

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& known) {
  option_->check(CLI::IsMember(known));
  return *this;
}

template <class T>
Option& Option::range(T low, T high) {
  option_->check(CLI::Range(low, high))
      ->check([](const std::string& text) {  // which a range lets pass
        return std::isnan(std::strtod(text.c_str(), nullptr)) ? "is not a number" : "";
      });
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::group(const std::string& heading) {
  option_->group(heading);
  return *this;
}

CommandLine::CommandLine(const std::string& program, const std::string& description,
                         const std::string& examples)
    : owned_(std::make_unique<CLI::App>(description, program)), app_(owned_.get()) {
  app_->footer(examples);
}

CommandLine::CommandLine(CLI::App* command) : app_(command) {}
CommandLine::CommandLine(CommandLine&&) noexcept = default;
CommandLine::~CommandLine() = default;

template <class T>
Option CommandLine::add(const std::string& name, T& value, const std::string& help) {
  if constexpr (std::is_same_v<T, bool>) {
    return Option(app_->add_flag(name, value, help));
  } else {
    CLI::Option* const option = app_->add_option(name, value, help);
    if constexpr (has_default<T>) option->capture_default_str();
    if constexpr (!std::is_same_v<T, std::vector<std::string>>) option->take_last();
    return Option(option);
  }
}

Option CommandLine::add(const std::string& name, const std::vector<std::string>& known,
                        const std::function<void(const std::string&)>& choose,
                        const std::string& help) {
  return Option(app_->add_option_function<std::string>(name, choose, help)
                    ->default_str(known.front())
                    ->take_last()
                    ->check(CLI::IsMember(known)));
}

CommandLine CommandLine::command(const std::string& name, const std::string& help) {
  app_->require_subcommand(1);
  return CommandLine(app_->add_subcommand(name, help));
}

bool CommandLine::chosen() const { return app_->parsed(); }

bool CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    return true;
  } catch (const CLI::Success& request) {
    app_->exit(request);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

bool CommandLine::given(const std::string& name) const { return app_->count(name) > 0; }

template Option& Option::range(int, int);
template Option& Option::range(std::int64_t, std::int64_t);
template Option& Option::range(std::uint64_t, std::uint64_t);
template Option& Option::range(double, double);

template Option CommandLine::add(const std::string&, bool&, const std::string&);
template Option CommandLine::add(const std::string&, int&, const std::string&);
template Option CommandLine::add(const std::string&, std::int64_t&, const std::string&);
template Option CommandLine::add(const std::string&, std::uint64_t&, const std::string&);
template Option CommandLine::add(const std::string&, double&, const std::string&);
template Option CommandLine::add(const std::string&, std::string&, const std::string&);
template Option CommandLine::add(const std::string&, std::vector<std::string>&, const std::string&);
template Option CommandLine::add(const std::string&, std::optional<std::int64_t>&,
                                 const std::string&);
template Option CommandLine::add(const std::string&, std::optional<std::string>&,
                                 const std::string&);

}  // namespace rho::tools
