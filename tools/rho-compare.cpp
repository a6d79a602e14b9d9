// Runs of rho-train side by side: see rho-compare --help.
#include <cstdio>
#include <optional>

#include "nn/atomic_file.h"
#include "tools/compare/picture.h"
#include "tools/compare/table.h"
#include "tools/support/command_line.h"
#include "tools/support/run.h"

namespace rho::tools {
namespace {

constexpr const char* kExamples = R"(Example:
  rho-compare runs/sgd runs/tangent-gradient --plot compare.png

CE is the cross-entropy, CE~ that of the normalized network f~ = f / rho, margin~ its margin. Runs
that rho-train made with --audit also show the worst of all steps: | ||V|| - 1 |, the part of a step
that was not tangent to the sphere, and how many steps were shortened or held.)";

struct CompareOptions {
  std::vector<std::string> runs;
  std::string json, plot, title;
};

std::optional<CompareOptions> parse_options(int argc, char** argv) {
  CompareOptions o;
  CommandLine line(
      "rho-compare",
      "Compares runs of rho-train: losses, errors, norms and margins, at their ends in a "
      "table and along the epochs in a picture.",
      kExamples);
  line.add("RUN", o.runs, "folders of runs").required();
  line.add("--json", o.json, "writes every number to this file");
  line.add("--plot", o.plot, "draws the epochs to this file, .svg or .png (needs gnuplot)");
  line.add("--title", o.title, "of the picture; left out: model and data of the first run");
  if (!line.parse(argc, argv)) return std::nullopt;
  if (!o.plot.empty()) require_picture("--plot", o.plot);
  return o;
}

int run(const CompareOptions& o) {
  check_output(o.json);
  check_output(o.plot);
  std::vector<compare::Run> runs;
  for (const std::string& folder : o.runs) runs.push_back(compare::read_run(folder));
  std::fputs(compare::to_text(runs).c_str(), stdout);
  if (!o.json.empty()) nn::write_text(o.json, compare::to_json(runs).dump(2) + "\n");
  if (o.plot.empty()) return 0;
  const compare::Json& config = runs.front().config;
  compare::draw(
      runs,
      o.title.empty() ? config.value("model", "") + " on " + config.value("data", "") : o.title,
      o.plot);
  return 0;
}

}  // namespace
}  // namespace rho::tools

int main(int argc, char** argv) {
  return rho::tools::run_main(argc, argv, rho::tools::parse_options, rho::tools::run);
}
