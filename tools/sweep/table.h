// Named columns of text: results.csv.
#pragma once

#include <string>
#include <vector>

namespace rho::sweep {

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< a cell a column; empty where there is no value

  bool has(const std::string& column) const;
  /// Throws, with the table's columns, where there is none of that name.
  std::size_t index(const std::string& column) const;
  const std::string& text(std::size_t row, const std::string& column) const;
  /// NaN for an empty cell; throws where a cell is not a number.
  double number(std::size_t row, const std::string& column) const;
};

/// As RFC 4180 has it, with a header line. Throws, naming the file, where it can not be read or a
/// row has another number of cells.
Table read_csv(const std::string& path);
std::string to_csv(const Table& table);

}  // namespace rho::sweep
