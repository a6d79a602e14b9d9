// Curve: the mean of y over the runs with the same x, and the range of theirs.
#include <algorithm>
#include <cmath>
#include <map>

#include "tensor/text.h"
#include "tools/figures/groups.h"
#include "tools/figures/quantity.h"
#include "tools/sweep/selection.h"

namespace rho::figures {
namespace {

// The place of a run on the x axis: a number, or where its text stands among all.
double place(const Axis& axis, const Sweep& sweep, std::size_t row, const std::string& column) {
  if (axis.categories.empty())
    return quantity(column).factor * sweep::value(sweep.results, row, column);
  const auto found =
      std::find(axis.categories.begin(), axis.categories.end(), sweep.results.text(row, column));
  return static_cast<double>(found - axis.categories.begin());
}

Point summarize(double x, const std::vector<double>& values) {
  double sum = 0.0;
  for (const double y : values) sum += y;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {x, sum / static_cast<double>(values.size()), *low, *high, ""};
}

}  // namespace

Content make_curve(const Sweep& sweep, const Panel& panel) {
  Content out;
  const std::vector<std::size_t> rows = rows_of(sweep, panel);
  out.x = {axis_label(panel.x_label, {panel.x}), panel.log_x};
  out.y = {axis_label(panel.y_label, panel.y), panel.log_y};
  if (!panel.x.starts_with('-')) {
    const std::vector<std::string> levels = levels_of(sweep.results, rows, panel.x);
    if (!are_numbers(levels)) out.x.categories = levels;
  }
  for (const Group& group : make_groups(sweep, panel, rows)) {
    std::map<double, std::vector<double>> values;
    for (const std::size_t row : group.rows) {
      const double x = place(out.x, sweep, row, panel.x);
      const double y = quantity(group.y).factor * sweep::value(sweep.results, row, group.y);
      if (std::isfinite(x) && std::isfinite(y)) values[x].push_back(y);
    }
    Series series{group.name, Series::Look::Bars, group.colour, group.shape, {}};
    for (const auto& [x, ys] : values) series.points.push_back(summarize(x, ys));
    out.series.push_back(std::move(series));
  }
  out.diagonal = panel.diagonal;
  return out;
}

}  // namespace rho::figures
