#include "tools/sweep/plan.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tensor/error.h"

namespace rho::sweep {
namespace {

// Options of one level, put where they belong: "PHASE.NAME" into that phase, all others into all.
void apply(const Options& options, Run& run) {
  for (const auto& [key, value] : options.items()) {
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) {
      run.options[key] = value;
      for (Phase& phase : run.phases) phase.options[key] = value;
      continue;
    }
    const std::string name = key.substr(0, dot);
    const auto phase = std::find_if(run.phases.begin(), run.phases.end(),
                                    [&](const Phase& one) { return one.name == name; });
    check(phase != run.phases.end(), "recipe", "the option \"", key, "\" is of a phase \"", name,
          "\", which there is not");
    phase->options[key.substr(dot + 1)] = value;
  }
}

Run base_run(const Recipe& recipe) {
  Run run;
  run.options = recipe.options;
  for (const Phase& phase : recipe.phases) {
    Options options = recipe.options;
    options.update(phase.options);
    run.phases.push_back({phase.name, std::move(options)});
  }
  return run;
}

Run grid_run(const Recipe& recipe, const std::vector<std::size_t>& at) {
  Run run = base_run(recipe);
  run.group = "grid";
  for (std::size_t a = 0; a < at.size(); ++a) {
    const Level& level = recipe.axes[a].levels[at[a]];
    apply(level.options, run);
    run.levels.push_back(level.label);
    run.name += (a == 0 ? "" : " ") + recipe.axes[a].name + "=" + level.label;
  }
  if (at.empty()) run.name = recipe.id;
  return run;
}

// The next point of the grid, the last axis fastest; false after the last.
bool advance(const std::vector<Axis>& axes, std::vector<std::size_t>& at) {
  for (std::size_t a = axes.size(); a-- > 0;) {
    if (++at[a] < axes[a].levels.size()) return true;
    at[a] = 0;
  }
  return false;
}

Run extra_run(const Recipe& recipe, const Extra& extra) {
  Run run = base_run(recipe);
  run.name = extra.name;
  run.group = extra.group;
  apply(extra.options, run);
  for (const Axis& axis : recipe.axes) {
    const auto own = extra.options.find(axis.option);
    run.levels.push_back(own == extra.options.end() ? "" : option_text(*own));
  }
  return run;
}

void append_options(const Options& options, std::vector<std::string>& arguments) {
  for (const auto& [name, value] : options.items()) {
    if (value.is_boolean() && !value.get<bool>()) continue;
    arguments.push_back("--" + name);
    if (!value.is_boolean()) arguments.push_back(option_text(value));
  }
}

Command train(const Phase& phase, const std::string& start, const std::string& out) {
  Options options = phase.options;
  if (!start.empty()) {  // there is nothing to initialize
    options.erase("init");
    options.erase("init-std");
    options["start"] = start;
  }
  Command command{phase.name, "rho-train", {}};
  append_options(options, command.arguments);
  command.arguments.insert(command.arguments.end(), {"--out", out, "--resume"});
  return command;
}

Command measure(const Measure& what, const Run& run, const std::string& folder) {
  const std::string trained = folder + "/" + run.phases.back().name;
  Command command{"measure-" + what.name, "rho-measure", {"--run", trained}};
  append_options(what.options, command.arguments);
  const auto add = [&](const std::string& flag, const std::string& file) {
    command.arguments.insert(command.arguments.end(), {flag, file});
  };
  if (snapshot_loss(run)) add("--checkpoint", trained + "/snapshot.safetensors");
  if (what.examples) add("--examples", folder + "/examples-" + what.name + ".csv");
  add("--json", folder + "/measure-" + what.name + ".json");
  return command;
}

Command other(const Recipe& recipe, const Run& run, const std::string& folder) {
  Command command{"run", recipe.program, recipe.arguments};
  append_options(run.options, command.arguments);
  command.arguments.insert(command.arguments.end(), {"--json", folder + "/result.json"});
  if (std::any_of(recipe.figures.begin(), recipe.figures.end(),
                  [](const Figure& figure) { return figure.picture; }))
    command.arguments.insert(command.arguments.end(), {"--plot", folder + "/picture.png"});
  return command;
}

}  // namespace

std::string run_folder(const std::string& sweep, std::size_t run) {
  char number[32];
  std::snprintf(number, sizeof number, "%03zu", run);
  return sweep + "/runs/" + number;
}

std::optional<double> snapshot_loss(const Run& run) {
  if (run.phases.empty()) return std::nullopt;
  const double loss = run.phases.back().options.value("snapshot", 0.0);
  return loss > 0 ? std::optional(loss) : std::nullopt;
}

std::vector<Run> make_plan(const Recipe& recipe, const Overrides& overrides) {
  const std::pair<const char*, const std::string&> of_training[] = {
      {"precision", overrides.precision}, {"provider", overrides.provider}};
  for (const auto& [name, value] : of_training)
    check(value.empty() || recipe.program == "rho-train", name, value,
          " is an option of rho-train, the recipe's program is ", recipe.program);
  std::vector<Run> runs;
  std::vector<std::size_t> at(recipe.axes.size());
  do runs.push_back(grid_run(recipe, at));
  while (advance(recipe.axes, at));
  for (const Extra& extra : recipe.extras) runs.push_back(extra_run(recipe, extra));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].index = i;
    if (!overrides.data.empty()) apply({{"data", overrides.data}}, runs[i]);
    if (overrides.device != "cpu") apply({{"device", overrides.device}}, runs[i]);
    for (const auto& [name, value] : of_training)
      if (!value.empty()) apply({{name, value}}, runs[i]);
  }
  return runs;
}

std::vector<Command> commands(const Recipe& recipe, const Run& run, const std::string& folder) {
  if (run.phases.empty()) return {other(recipe, run, folder)};
  std::vector<Command> out;
  std::string start;
  for (const Phase& phase : run.phases) {
    const std::string trained = folder + "/" + phase.name;
    out.push_back(train(phase, start, trained));
    start = trained + "/last.safetensors";
  }
  for (const Measure& what : recipe.measures) out.push_back(measure(what, run, folder));
  return out;
}

nlohmann::ordered_json to_json(const Recipe& recipe, const std::vector<Run>& runs) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Run& run : runs) {
    nlohmann::ordered_json one{{"name", run.name}, {"group", run.group}};
    one["program"] = recipe.program;
    one["arguments"] = recipe.arguments;
    if (run.phases.empty()) one["options"] = run.options;
    for (const Phase& phase : run.phases) one["phases"][phase.name] = phase.options;
    for (const Measure& what : recipe.measures) one["measures"][what.name] = what.options;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace rho::sweep
