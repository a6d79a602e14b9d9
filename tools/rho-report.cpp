// A sweep as one HTML page: see rho-report --help.
#include <cstdio>
#include <filesystem>
#include <optional>

#include "nn/atomic_file.h"
#include "tensor/error.h"
#include "tools/plot/gnuplot.h"
#include "tools/report/report.h"
#include "tools/support/command_line.h"
#include "tools/support/run.h"

namespace rho::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExamples = R"(Examples:
  rho-report runs/puzzles-2              writes runs/puzzles-2/report.html
  rho-report runs/puzzles-2 --check      only judges: exit code 1 where a claim is not reproduced

The page holds its figures and needs no network. A claim is a number with bounds; some are asserted
at the larger scales only. A sweep that is not finished does not pass --check.)";

struct ReportOptions {
  std::string folder, out;
  bool check = false;
};

std::optional<ReportOptions> parse_options(int argc, char** argv) {
  ReportOptions o;
  CommandLine line(
      "rho-report",
      "Puts what a sweep found beside what was published: claims, figures and results in "
      "one HTML page.",
      kExamples);
  line.add("DIR", o.folder, "folder of the sweep, finished or not").required();
  line.add("--out", o.out, "file of the page; left out: DIR/report.html");
  line.add("--check", o.check,
           "exit code 1 unless every asserted claim holds; no page without --out");
  if (!line.parse(argc, argv)) return std::nullopt;
  return o;
}

std::vector<figures::Drawn> draw_all(const sweep::Sweep& sweep) {
  const std::string folder = (fs::path(sweep.folder) / "figures").string();
  std::error_code error;
  fs::create_directories(folder, error);
  check(!error, "report", folder, ": ", error.message());
  std::vector<figures::Drawn> out;
  for (const sweep::Figure& figure : sweep.recipe.figures)
    out.push_back(figures::draw_figure(sweep, figure, folder, {"svg"}));
  return out;
}

int run(const ReportOptions& o) {
  check_output(o.out);
  const sweep::Sweep sweep = sweep::read_sweep(o.folder);
  const std::vector<sweep::Verdict> verdicts = report::judge_all(sweep);
  std::fputs(report::to_text(sweep, verdicts).c_str(), stdout);
  if (!o.check || !o.out.empty()) {
    const std::string path = o.out.empty() ? (fs::path(o.folder) / "report.html").string() : o.out;
    plot::check_gnuplot();
    nn::write_text(path, report::to_html(sweep, verdicts, draw_all(sweep)));
    std::printf("%s\n", path.c_str());
  }
  return o.check && !report::passes(sweep, verdicts) ? 1 : 0;
}

}  // namespace
}  // namespace rho::tools

int main(int argc, char** argv) {
  return rho::tools::run_main(argc, argv, rho::tools::parse_options, rho::tools::run);
}
