#include "tools/measure/picture.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tools/plot/gnuplot.h"

namespace rho::measure {
namespace {

constexpr int kBins = 60;
constexpr double kSmallestMargin = 1e-300;  // below it the picture shows 0
constexpr const char* kTrainColour = plot::kColours[0];
constexpr const char* kTestColour = plot::kColours[1];
// With more layers than this, names are small and upright; beyond the second, only some are shown.
constexpr std::size_t kFewLayers = 12, kNamedLayers = 60;

struct Bins {
  double low, width;
  int exponent;  ///< the axis shows margins * 10^-exponent
};

Bins choose_bins(const Report& report) {
  double low = 0.0, high = 0.0;  // 0 belongs into the picture: left of it are the errors
  for (const SplitReport* split : {&report.train, &report.test})
    for (const double margin : split->normalized_margins) {
      low = std::min(low, margin);
      high = std::max(high, margin);
    }
  const double largest = std::max(-low, high);
  if (largest < kSmallestMargin) return {-1.0, 2.0 / kBins, 0};
  return {low, (high - low) / kBins, static_cast<int>(std::floor(std::log10(largest)))};
}

// The outline of a split's histogram, in per cent of its examples, as a datablock `name`.
void write_histogram(std::ostream& out, const char* name, const SplitReport& split,
                     const Bins& bins) {
  std::vector<double> share(kBins, 0.0);
  const double one = 100.0 / static_cast<double>(split.normalized_margins.size());
  for (const double margin : split.normalized_margins) {
    const int bin = static_cast<int>((margin - bins.low) / bins.width);
    share[static_cast<std::size_t>(std::clamp(bin, 0, kBins - 1))] += one;
  }
  const double unit = std::pow(10.0, -bins.exponent);
  out << '$' << name << " << end\n";
  for (int i = 0; i < kBins; ++i)
    for (const int edge : {i, i + 1})
      out << (bins.low + edge * bins.width) * unit << ' ' << share[static_cast<std::size_t>(i)]
          << '\n';
  out << "end\n";
}

void write_margins(std::ostream& out, const Report& report) {
  const Bins bins = choose_bins(report);
  write_histogram(out, "train", report.train, bins);
  write_histogram(out, "test", report.test, bins);
  out << "set title 'Normalized margins'\n"
         "set xlabel 'normalized margin: (output of the label - largest other output) / {/Symbol "
         "r}";
  if (bins.exponent != 0) out << "   [10^{" << bins.exponent << "}]";
  out << "'\n"
         "set ylabel 'examples of the split [%]'\n"
         "set key top right\n"
         "set yrange [0:*]\n"
         "set arrow 1 from 0, graph 0 to 0, graph 1 nohead dashtype 2 linecolor '#606060' front\n"
      << "plot $train with filledcurves y1=0 fillcolor '" << kTrainColour
      << "' fillstyle transparent solid 0.35 notitle, $test with filledcurves y1=0 fillcolor '"
      << kTestColour << "' fillstyle transparent solid 0.35 notitle, $train with lines linewidth 2 "
      << "linecolor '" << kTrainColour << "' title 'train', $test with lines linewidth 2 dashtype 4"
      << " linecolor '" << kTestColour << "' title 'test'\n"
      << "unset arrow 1\n";
}

void write_norms(std::ostream& out, const Report& report, const std::string& norm) {
  const std::vector<nn::LayerNorm>& layers = report.layers;
  const std::size_t step = 1 + layers.size() / kNamedLayers;
  double smallest = layers.front().norm, largest = smallest;
  out << "$norms << end\n";
  for (std::size_t k = 0; k < layers.size(); ++k) {
    out << k << ' ' << layers[k].norm << '\n';
    smallest = std::min(smallest, layers[k].norm);
    largest = std::max(largest, layers[k].norm);
  }
  out << "end\n"
         "set xtics out nomirror scale 0.5 rotate by "
      << (layers.size() <= kFewLayers ? "30" : "90") << " right noenhanced font ',"
      << (layers.size() <= kFewLayers ? 10 : 8) << "' (";
  for (std::size_t k = 0; k < layers.size(); k += step)
    out << (k == 0 ? "" : ", ") << plot::quoted(layers[k].name) << ' ' << k;
  out << ")\nset title 'Layer norms'\n"
         "set xlabel 'layer (batch norm folded)'\n"
         "set ylabel 'norm of the weights, p = "
      << norm << "'\nset xrange [-0.7:" << static_cast<double>(layers.size()) - 0.3 << "]\n";
  // Impulses start at the foot of the axis, so a logarithmic one is fine.
  if (largest > 30.0 * smallest)
    out << "set logscale y\nset yrange [" << smallest / 2 << ':' << largest * 2 << "]\n";
  else
    out << "set yrange [0:" << largest * 1.1 << "]\n";
  out << "plot $norms with impulses linewidth " << (layers.size() <= kFewLayers ? 6 : 3)
      << " linecolor '#9ecae1' notitle, $norms with points pointtype 7 pointsize 0.8 linecolor '"
      << kTrainColour << "' notitle\n";
}

}  // namespace

void draw(const Report& report, const std::string& title, const std::string& norm,
          const std::string& path) {
  std::ostringstream out;
  out.precision(9);
  out << "set multiplot layout 1,2 title " << plot::quoted(title) << " noenhanced font ',14'\n";
  write_margins(out, report);
  out << "unset key\n";
  write_norms(out, report, norm);
  out << "unset multiplot\n";
  plot::draw(path, 1200, 500, out.str());
}

}  // namespace rho::measure
