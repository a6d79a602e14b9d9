// Numbers of the rows of results.csv that are asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/sweep/recipe.h"
#include "tools/sweep/statistics.h"
#include "tools/sweep/table.h"

namespace rho::sweep {

/// True where both are the same text, or numbers of the same value: "0.10" and "1e-1".
bool same_value(const std::string& a, const std::string& b);

/// True where the row has one of the values in each of the columns. Throws for an unknown column.
bool matches(const Table& table, std::size_t row, const Where& where);

/// The rows that match and are done (all that match, where there is no column "status").
std::vector<std::size_t> select(const Table& table, const Where& where);

/// A number of a row; "-NAME" is minus that column. NaN for an empty cell.
double value(const Table& table, std::size_t row, const std::string& column);

/// A column's values in some rows, each less `origin`. The origin is ln C, and the values the
/// column's differences from it, where the table has them ("..._minus_log_classes"); 0 elsewhere.
struct Column {
  std::vector<double> values;
  double origin = 0.0;
};
Column read_column(const Table& table, const std::vector<std::size_t>& rows,
                   const std::string& column);

/// The points (x, y) of some rows. Throws, naming the row's run, where a value is missing.
Sample read_sample(const Table& table, const std::vector<std::size_t>& rows, const std::string& x,
                   const std::string& y);

}  // namespace rho::sweep
