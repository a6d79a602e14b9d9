// Scatter: a point a run, and straight lines through all of them.
#include <cmath>

#include "tensor/error.h"
#include "tools/figures/groups.h"
#include "tools/figures/quantity.h"
#include "tools/sweep/selection.h"

namespace rho::figures {
namespace {

sweep::Column scaled(const Sweep& sweep, const std::vector<std::size_t>& rows,
                     const std::string& name) {
  sweep::Column column = sweep::read_column(sweep.results, rows, name);
  const double factor = quantity(name).factor;
  for (double& value : column.values) value *= factor;
  column.origin *= factor;
  return column;
}

// Where the y have no origin in common, their values go back to what the columns say.
void share_origin(std::vector<sweep::Column>& columns) {
  bool same = true;
  for (const sweep::Column& column : columns)
    same = same && std::abs(column.origin - columns.front().origin) < 1e-9;
  if (same) return;
  for (sweep::Column& column : columns) {
    for (double& value : column.values) value += column.origin;
    column.origin = 0.0;
  }
}

void add_fits(const sweep::Sample& sample, Content& content) {
  try {
    content.best = sweep::least_squares(sample);
    content.slope_one = sweep::slope_one(sample);
  } catch (const Error& error) {  // too few runs yet, mostly: the points are worth showing
    content.note = std::string("no fit: ") + error.what();
  }
}

}  // namespace

Content make_scatter(const Sweep& sweep, const Panel& panel) {
  Content out;
  out.x = {axis_label(panel.x_label, {panel.x}), panel.log_x};
  out.y = {axis_label(panel.y_label, panel.y), panel.log_y};
  const std::vector<Group> groups = make_groups(sweep, panel, rows_of(sweep, panel));
  std::vector<sweep::Column> xs, ys;
  for (const Group& group : groups) {
    xs.push_back(scaled(sweep, group.rows, panel.x));
    ys.push_back(scaled(sweep, group.rows, group.y));
  }
  share_origin(xs);
  share_origin(ys);
  out.x.origin = xs.front().origin;
  out.y.origin = ys.front().origin;
  sweep::Sample sample{{}, {}, out.x.origin, out.y.origin};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    Series series{groups[g].name, Series::Look::Points, groups[g].colour, groups[g].shape, {}};
    for (std::size_t i = 0; i < groups[g].rows.size(); ++i) {
      const double x = xs[g].values[i], y = ys[g].values[i];
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      const std::string label =
          panel.label.empty() ? "" : sweep.results.text(groups[g].rows[i], panel.label);
      series.points.push_back({x, y, y, y, label});
      sample.x.push_back(x);
      sample.y.push_back(y);
    }
    out.series.push_back(std::move(series));
  }
  out.diagonal = panel.diagonal;
  if (panel.fit) add_fits(sample, out);
  return out;
}

}  // namespace rho::figures
