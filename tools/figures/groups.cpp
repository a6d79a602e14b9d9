#include "tools/figures/groups.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tensor/error.h"
#include "tensor/text.h"
#include "tools/figures/quantity.h"
#include "tools/plot/gnuplot.h"
#include "tools/sweep/selection.h"

namespace rho::figures {
namespace {

// Anchors of viridis (van der Walt and Smith 2015), without its lightest end.
constexpr double kWay[][3] = {
    {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {190, 210, 40}};
constexpr std::size_t kApart = 6;  // colours before black

std::string name_of_level(const std::string& column, const std::string& level) {
  return parse_number<double>(level) ? column + " " + level : level;
}

std::string name_of_y(const Panel& panel, std::size_t index) {
  if (panel.y_titles.size() == panel.y.size()) return panel.y_titles[index];
  return quantity(panel.y[index]).label;
}

std::string without_split(std::string label) {
  for (const std::string split : {"training ", "test "})
    if (const std::size_t at = label.find(split); at != std::string::npos)
      return label.erase(at, split.size());
  return label;
}

// "training error" and "test error": "error", which also stands for others of the same unit; no
// label where they have nothing in common.
Quantity common_quantity(const std::vector<std::string>& columns) {
  Quantity out = quantity(columns.front());
  if (columns.size() == 1) return out;
  out.label = without_split(out.label);
  for (const std::string& column : columns) {
    const Quantity other = quantity(column);
    const bool same_unit = other.unit == out.unit;
    if (!same_unit || (out.unit.empty() && without_split(other.label) != out.label)) return {};
  }
  return out;
}

std::vector<std::size_t> rows_at(const sweep::Table& table, const std::vector<std::size_t>& rows,
                                 const std::string& column, const std::string& level) {
  if (column.empty()) return rows;
  std::vector<std::size_t> out;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out),
               [&](std::size_t row) { return table.text(row, column) == level; });
  return out;
}

}  // namespace

std::vector<std::size_t> rows_of(const Sweep& sweep, const Panel& panel) {
  std::vector<std::size_t> rows = sweep::select(sweep.results, panel.where);
  check(!rows.empty(), "figure", panel.title.empty() ? "panel" : panel.title,
        ": no run that is done has what \"where\" asks for");
  return rows;
}

bool are_numbers(const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
    return parse_number<double>(text).has_value();
  });
}

std::vector<std::string> levels_of(const sweep::Table& table, const std::vector<std::size_t>& rows,
                                   const std::string& column) {
  std::vector<std::string> out;
  for (const std::size_t row : rows) {
    const std::string& text = table.text(row, column);
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
  }
  if (are_numbers(out))
    std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
      return *parse_number<double>(a) < *parse_number<double>(b);
    });
  return out;
}

std::vector<Group> make_groups(const Sweep& sweep, const Panel& panel,
                               const std::vector<std::size_t>& rows) {
  const std::vector<std::string> levels = panel.series.empty()
                                              ? std::vector<std::string>{""}
                                              : levels_of(sweep.results, rows, panel.series);
  const bool ordered = are_numbers(levels);
  std::vector<Group> out;
  for (std::size_t s = 0; s < levels.size(); ++s)
    for (std::size_t k = 0; k < panel.y.size(); ++k) {
      Group group;
      group.y = panel.y[k];
      group.rows = rows_at(sweep.results, rows, panel.series, levels[s]);
      if (levels.size() > 1) group.name = name_of_level(panel.series, levels[s]);
      if (panel.y.size() > 1) group.name += (group.name.empty() ? "" : ", ") + name_of_y(panel, k);
      const bool by_series = levels.size() > 1;
      group.colour =
          by_series ? colour_of(s, levels.size(), ordered) : colour_of(k, panel.y.size(), false);
      group.shape = static_cast<int>(by_series && panel.y.size() == 1 ? s : k);
      out.push_back(std::move(group));
    }
  return out;
}

std::string colour_of(std::size_t index, std::size_t count, bool ordered) {
  if (count <= kApart) return plot::kColours[index];
  if (!ordered) return plot::kColours[index % (kApart + 1)];
  const double at = static_cast<double>(index) / static_cast<double>(count - 1) *
                    static_cast<double>(std::size(kWay) - 1);
  const auto from = std::min(static_cast<std::size_t>(at), std::size(kWay) - 2);
  std::array<int, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = static_cast<int>(
        std::lround(std::lerp(kWay[from][c], kWay[from + 1][c], at - static_cast<double>(from))));
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "#%02x%02x%02x", colour[0] & 255, colour[1] & 255,
                colour[2] & 255);
  return buffer.data();
}

std::string axis_label(const std::string& own, const std::vector<std::string>& columns) {
  if (own.find('[') != std::string::npos) return own;
  Quantity out = common_quantity(columns);
  if (!own.empty()) out.label = own;
  return title_of(out);
}

}  // namespace rho::figures
