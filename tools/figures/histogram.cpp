// Histogram: a column of the examples' files over all runs of a group, the two splits apart.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "tensor/error.h"
#include "tensor/text.h"
#include "tools/figures/groups.h"
#include "tools/figures/quantity.h"
#include "tools/sweep/table.h"

namespace rho::figures {
namespace {

constexpr int kBins = 50;

struct Source {
  std::string measure, column;
};

// "MEASURE.COLUMN", or a column of the first measure that writes examples.
Source source_of(const Sweep& sweep, const std::string& x) {
  std::string first;
  for (const sweep::Measure& measure : sweep.recipe.measures) {
    if (!measure.examples) continue;
    if (x.starts_with(measure.name + ".")) return {measure.name, x.substr(measure.name.size() + 1)};
    if (first.empty()) first = measure.name;
  }
  check(!first.empty(), "figure", "the histogram of ", x,
        " needs a measure with examples = true, and the recipe has none");
  return {first, x};
}

struct Splits {
  std::vector<double> train, test;
};

Splits read_examples(const Sweep& sweep, const std::vector<std::size_t>& rows,
                     const Source& source) {
  Splits out;
  for (const std::size_t row : rows) {
    const sweep::Table table =
        sweep::read_csv(sweep::run_folder(sweep, row) + "/examples-" + source.measure + ".csv");
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      (table.text(i, "split") == "train" ? out.train : out.test)
          .push_back(table.number(i, source.column));
  }
  return out;
}

std::string with_moments(const std::string& name, const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return name + ": mean " + pretty(mean, 4) + ", std " + pretty(std::sqrt(squares / n), 4);
}

// The outline of the histogram, in per cent of the values.
std::vector<Point> outline(const std::vector<double>& values, double low, double width) {
  std::array<double, kBins> share{};
  for (const double value : values) {
    const int bin = std::clamp(static_cast<int>((value - low) / width), 0, kBins - 1);
    share[static_cast<std::size_t>(bin)] += 100.0 / static_cast<double>(values.size());
  }
  std::vector<Point> out;
  const auto add = [&](double x, double y) { out.push_back({x, y, 0.0, y, ""}); };
  add(low, 0.0);
  for (std::size_t bin = 0; bin < kBins; ++bin)
    for (const std::size_t edge : {bin, bin + 1})
      add(low + static_cast<double>(edge) * width, share[bin]);
  add(low + kBins * width, 0.0);
  return out;
}

}  // namespace

Content make_histogram(const Sweep& sweep, const Panel& panel) {
  Content out;
  const Source source = source_of(sweep, panel.x);
  out.x = {axis_label(panel.x_label, {source.column})};
  out.y = {panel.y_label.empty() ? "examples of the split [%]" : panel.y_label, panel.log_y, true};
  Panel one = panel;
  one.y = {source.column};
  if (one.series == "split") one.series.clear();  // they always are told apart
  const std::vector<Group> groups = make_groups(sweep, one, rows_of(sweep, panel));
  std::vector<Splits> splits;
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const Group& group : groups) {
    const Splits& both = splits.emplace_back(read_examples(sweep, group.rows, source));
    for (const std::vector<double>* values : {&both.train, &both.test})
      for (const double value : *values) {
        low = std::min(low, value);
        high = std::max(high, value);
      }
  }
  check(low <= high, "figure", "no example has a ", panel.x);
  const double width = high > low ? (high - low) / kBins : 1.0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const std::string prefix = groups[g].name.empty() ? "" : groups[g].name + ", ";
    const auto add = [&](const std::vector<double>& values, const char* split, std::size_t k) {
      if (values.empty()) return;
      out.series.push_back({with_moments(prefix + split, values), Series::Look::Area,
                            groups.size() == 1 ? colour_of(k, 2, false) : groups[g].colour,
                            static_cast<int>(k), outline(values, low, width)});
    };
    add(splits[g].train, "train", 0);
    add(splits[g].test, "test", 1);
  }
  return out;
}

}  // namespace rho::figures
