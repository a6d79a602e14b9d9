#include "tools/sweep/selection.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/text.h"

namespace rho::sweep {
namespace {

constexpr const char* kDifference = "_minus_log_classes";
constexpr double kSameOrigin = 1e-9;  // rounding of a loss near ln C is far below

void check_values(const Table& table, const std::vector<std::size_t>& rows, const Column& column,
                  const std::string& name) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    check(std::isfinite(column.values[i]), "results", "run ",
          table.has("run") ? table.text(rows[i], "run") : std::to_string(rows[i]), " has no ",
          name);
}

}  // namespace

bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto number_a = parse_number<double>(a), number_b = parse_number<double>(b);
  return number_a && number_b && *number_a == *number_b;
}

bool matches(const Table& table, std::size_t row, const Where& where) {
  return std::all_of(
      where.conditions.begin(), where.conditions.end(), [&](const Where::Condition& condition) {
        const std::string& cell = table.text(row, condition.column);
        return std::any_of(condition.values.begin(), condition.values.end(),
                           [&](const std::string& text) { return same_value(cell, text); });
      });
}

std::vector<std::size_t> select(const Table& table, const Where& where) {
  const bool has_status = table.has("status");
  std::vector<std::size_t> out;
  for (std::size_t row = 0; row < table.rows.size(); ++row)
    if ((!has_status || table.text(row, "status") == "done") && matches(table, row, where))
      out.push_back(row);
  return out;
}

double value(const Table& table, std::size_t row, const std::string& column) {
  if (column.starts_with('-')) return -table.number(row, column.substr(1));
  return table.number(row, column);
}

Column read_column(const Table& table, const std::vector<std::size_t>& rows,
                   const std::string& column) {
  Column whole, less;
  const std::string difference = column + kDifference;
  for (const std::size_t row : rows) whole.values.push_back(value(table, row, column));
  if (!table.has(difference) || rows.empty()) return whole;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    less.values.push_back(value(table, rows[i], difference));
    const double origin = whole.values[i] - less.values[i];
    if (i == 0) less.origin = origin;
    if (!(std::abs(origin - less.origin) <= kSameOrigin))
      return whole;  // another number of classes
  }
  return less;
}

Sample read_sample(const Table& table, const std::vector<std::size_t>& rows, const std::string& x,
                   const std::string& y) {
  Column column_x = read_column(table, rows, x), column_y = read_column(table, rows, y);
  check_values(table, rows, column_x, x);
  check_values(table, rows, column_y, y);
  return {std::move(column_x.values), std::move(column_y.values), column_x.origin, column_y.origin};
}

}  // namespace rho::sweep
