#include "tools/compare/picture.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <sstream>

#include "tensor/error.h"
#include "tools/plot/gnuplot.h"

namespace rho::compare {
namespace {

using Read = std::function<double(const Run&, const Json&)>;

constexpr std::size_t kColours = std::size(plot::kColours), kMost = 2 * kColours;
constexpr std::size_t kLayerPanels = 3;
constexpr std::size_t kFewEpochs = 12;  // more than these are not all marked on the axis

struct Panel {
  std::string title, label;
  Read read;
};

Read number(const std::string& key, double factor = 1.0) {
  return [=](const Run& run, const Json& epoch) { return factor * value(run, epoch, key); };
}

Read layer_norm(const std::string& layer) {
  return
      [=](const Run& run, const Json& epoch) { return value(run, epoch.at("layer_norms"), layer); };
}

// The first layers, by the first run, that every run has.
std::vector<std::string> common_layers(const std::vector<Run>& runs) {
  std::vector<std::string> out;
  const Json none = Json::object();
  const Json candidates = runs.front().epochs.back().value("layer_norms", none);
  for (const auto& [name, norm] : candidates.items()) {
    bool everywhere = true;
    for (const Run& run : runs)
      for (const Json& epoch : run.epochs)
        everywhere = everywhere && epoch.value("layer_norms", none).contains(name);
    if (everywhere && out.size() < kLayerPanels) out.push_back(name);
  }
  return out;
}

std::vector<Panel> panels_of(const std::vector<Run>& runs) {
  std::vector<Panel> out{{"Test error", "[%]", number("test_error", 100.0)},
                         {"Training loss", "cross-entropy", number("train_loss")},
                         {"Normalized cross-entropy, test", "ln C - cross-entropy of f/{/Symbol r}",
                          number("test_normalized_cross_entropy_minus_log_classes", -1.0)},
                         {"Median normalized margin, training", "margin / {/Symbol r}",
                          number("median_normalized_margin")},
                         {"Scale of the network", "ln {/Symbol r}", number("log_rho")}};
  for (const std::string& layer : common_layers(runs))
    out.push_back({"Norm of " + layer, "{/Symbol r}_k", layer_norm(layer)});
  return out;
}

// "linecolor ... dashtype ..." of a run: colours first, then the same ones dashed.
std::string style(std::size_t run) {
  return std::string("linewidth 2 linecolor '") + plot::kColours[run % kColours] + "' dashtype " +
         std::to_string(1 + run / kColours * 2 + run % 2);
}

void write_panel(std::ostream& out, const std::vector<Run>& runs, const Panel& panel) {
  for (std::size_t r = 0; r < runs.size(); ++r) {
    out << "$run" << r << " << end\n";
    for (const Json& epoch : runs[r].epochs) {
      const double y = panel.read(runs[r], epoch);
      out << value(runs[r], epoch, "epoch") << ' ';
      if (std::isfinite(y))
        out << y << '\n';
      else
        out << "NaN\n";
    }
    out << "end\n";
  }
  out << "set title " << plot::quoted(panel.title) << " noenhanced\nset ylabel "
      << plot::quoted(panel.label) << "\nplot ";
  for (std::size_t r = 0; r < runs.size(); ++r)
    out << (r == 0 ? "" : ", ") << "$run" << r << " with linespoints pointtype " << 4 + r % kColours
        << " pointsize 0.7 " << style(r) << " notitle";
  out << '\n';
}

// An empty panel that holds the key of all.
void write_key(std::ostream& out, const std::vector<Run>& runs) {
  out << "unset title\nunset xlabel\nunset ylabel\nunset border\nunset tics\nunset grid\n"
         "set key center center noenhanced spacing 1.3\nset xrange [0:1]\nset yrange [0:1]\nplot ";
  for (std::size_t r = 0; r < runs.size(); ++r)
    out << (r == 0 ? "" : ", ") << "NaN with linespoints pointtype " << 4 + r % kColours << ' '
        << style(r) << " title " << plot::quoted(runs[r].name);
  out << '\n';
}

}  // namespace

void draw(const std::vector<Run>& runs, const std::string& title, const std::string& path) {
  check(!runs.empty() && runs.size() <= kMost, "plot", runs.size(), " runs, expected 1 to ", kMost);
  const std::vector<Panel> panels = panels_of(runs);
  std::ostringstream out;
  out.precision(9);
  out << "set multiplot layout 3,3 title " << plot::quoted(title) << " noenhanced font ',14'\n"
      << "unset key\nset xlabel 'epoch'\n";
  std::size_t longest = 0;
  for (const Run& run : runs) longest = std::max(longest, run.epochs.size());
  if (longest <= kFewEpochs) out << "set xtics 1\n";
  for (const Panel& panel : panels) write_panel(out, runs, panel);
  write_key(out, runs);
  out << "unset multiplot\n";
  plot::draw(path, 1300, 1050, out.str());
}

}  // namespace rho::compare
