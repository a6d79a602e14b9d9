// Figures of a sweep: see rho-plot --help.
#include <cstdio>
#include <filesystem>

#include "nn/atomic_file.h"
#include "tensor/error.h"
#include "tensor/text.h"
#include "tools/figures/figure.h"
#include "tools/plot/gnuplot.h"
#include "tools/support/command_line.h"
#include "tools/support/run.h"

namespace rho::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExamples = R"(Examples:
  rho-plot runs/puzzles-2                              every figure of the recipe, SVG and PNG
  rho-plot runs/puzzles-2 --figure losses --format png
  rho-plot runs/puzzles-2 --x init-std --y test_error --kind curve --log-x --out std.svg
  rho-plot runs/puzzles-2 --x train_loss --y test_loss --label init-std --fit --where group=grid \
           --out losses.png

Columns are those of results.csv, of metrics.jsonl with --kind epochs, and of the examples' file with
--kind histogram; "-COLUMN" is minus that column. Errors are drawn in per cent. Fitted numbers are in
the units of the axes, their 95 % intervals from resampled points.)";

struct PlotOptions {
  std::string folder, figure, out, format = "both";
  sweep::Panel panel;
  std::string kind = "scatter";
  std::vector<std::string> where;

  bool is_free() const { return !panel.x.empty() || !panel.y.empty(); }
};

// "COLUMN=VALUE,VALUE".
sweep::Where::Condition condition_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("--where", "\"" + text + "\" is not COLUMN=VALUE[,VALUE]");
  return {text.substr(0, equals), split(text.substr(equals + 1), ',')};
}

void add_panel_options(CommandLine& line, PlotOptions& o) {
  sweep::Panel& panel = o.panel;
  const auto add = [&](const char* flag, auto& value, const char* help) {
    return line.add(flag, value, help).group("A figure of your own");
  };
  add("--x", panel.x, "column along x");
  add("--y", panel.y, "columns along y");
  add("--kind", o.kind,
      "scatter: a point a run; curve: means over runs with equal x, with their range; "
      "epochs: along the training; histogram: of x over the examples")
      .one_of({"scatter", "curve", "epochs", "histogram"});
  add("--label", panel.label, "column whose text stands beside a point");
  add("--series", panel.series, "column that tells colours apart");
  add("--where", o.where, "COLUMN=VALUE[,VALUE]: only these runs; may be repeated");
  add("--title", panel.title, "above the panel");
  add("--x-label", panel.x_label, "on the axis; left out: the column's");
  add("--y-label", panel.y_label, "on the axis; left out: the column's");
  add("--fit", panel.fit, "least squares, and the best line of slope 1");
  add("--diagonal", panel.diagonal, "y = x");
  add("--log-x", panel.log_x, "logarithmic x");
  add("--log-y", panel.log_y, "logarithmic y");
}

void check_free(PlotOptions& o) {
  o.panel.kind = sweep::parse_panel_kind(o.kind, "--kind");
  for (const std::string& text : o.where) o.panel.where.conditions.push_back(condition_of(text));
  const bool histogram = o.kind == "histogram";
  if (o.panel.x.empty() && o.kind != "epochs") throw UsageError("--x is required");
  if (o.panel.y.empty() && !histogram) throw UsageError("--y is required");
  require_picture("--out", o.out);
}

std::optional<PlotOptions> parse_options(int argc, char** argv) {
  PlotOptions o;
  CommandLine line("rho-plot",
                   "Draws the figures of a sweep (see rho-sweep), and prints their fitted lines.",
                   kExamples);
  line.add("DIR", o.folder, "folder of the sweep, finished or not").required();
  line.add("--figure", o.figure, "only this figure of the recipe");
  line.add("--out", o.out,
           "folder of the figures, left out: DIR/figures; or the file of a figure of your own");
  line.add("--format", o.format, "svg, png, or both").one_of({"svg", "png", "both"});
  add_panel_options(line, o);
  if (!line.parse(argc, argv)) return std::nullopt;
  if (o.is_free()) check_free(o);
  return o;
}

// Runs that the figures lack.
void print_missing(const sweep::Sweep& sweep) {
  const std::size_t unfinished = sweep.unfinished(), failed = sweep.rows("failed").size();
  if (unfinished != 0)
    std::printf("%zu of %zu runs are not finished: drawn is what there is\n", unfinished,
                unfinished + failed + sweep.rows("done").size());
  if (failed != 0) std::printf("%zu runs failed\n", failed);
}

void print(const figures::Drawn& figure) {
  for (const std::string& file : figure.files) std::printf("%s\n", file.c_str());
  for (const std::string& note : figure.notes)
    std::printf("%s, %s\n", figure.name.c_str(), note.c_str());
  if (!figure.problem.empty())
    std::printf("%s is not drawn yet: %s\n", figure.name.c_str(), figure.problem.c_str());
}

void print(const std::vector<figures::Fit>& fits) {
  std::fputs(figures::to_text(fits).c_str(), stdout);
}

int draw_own(const PlotOptions& o, const sweep::Sweep& sweep) {
  check_output(o.out);
  figures::Content panel = figures::make_content(sweep, o.panel);
  panel.title.clear();  // it stands above
  figures::draw(o.panel.title, {panel}, o.out);
  std::printf("%s\n", o.out.c_str());
  if (!panel.note.empty()) std::printf("%s\n", panel.note.c_str());
  print(figures::fits_of(fs::path(o.out).stem().string(), {panel}));
  return 0;
}

int draw_recipe(const PlotOptions& o, const sweep::Sweep& sweep) {
  const std::string folder = o.out.empty() ? (fs::path(o.folder) / "figures").string() : o.out;
  std::error_code error;
  fs::create_directories(folder, error);
  check(!error, "figure", folder, ": ", error.message());
  std::vector<std::string> formats{"svg", "png"};
  if (o.format != "both") formats = {o.format};
  std::vector<figures::Fit> fits;
  bool found = false;
  for (const sweep::Figure& figure : sweep.recipe.figures) {
    if (!o.figure.empty() && figure.name != o.figure) continue;
    found = true;
    const figures::Drawn drawn = figures::draw_figure(sweep, figure, folder, formats);
    check(drawn.problem.empty() || sweep.unfinished() != 0, "figure", figure.name, ": ",
          drawn.problem);
    print(drawn);
    fits.insert(fits.end(), drawn.fits.begin(), drawn.fits.end());
  }
  check(found || o.figure.empty(), "figure", "the recipe has no figure \"", o.figure, '"');
  print(fits);
  nn::write_text((fs::path(folder) / "fits.json").string(), figures::to_json(fits).dump(2) + "\n");
  return 0;
}

int run(const PlotOptions& o) {
  const sweep::Sweep sweep = sweep::read_sweep(o.folder);
  plot::check_gnuplot();
  print_missing(sweep);
  return o.is_free() ? draw_own(o, sweep) : draw_recipe(o, sweep);
}

}  // namespace
}  // namespace rho::tools

int main(int argc, char** argv) {
  return rho::tools::run_main(argc, argv, rho::tools::parse_options, rho::tools::run);
}
