#include "tools/sweep/table.h"

#include <csv.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <memory>

#include "tensor/error.h"
#include "tensor/text.h"

namespace rho::sweep {
namespace {

// What libcsv calls back with.
struct Reading {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
};

void end_of_cell(void* cell, std::size_t size, void* reading) {
  static_cast<Reading*>(reading)->row.emplace_back(static_cast<const char*>(cell), size);
}

void end_of_row(int, void* reading) {
  auto& [rows, row] = *static_cast<Reading*>(reading);
  rows.push_back(std::move(row));
  row.clear();
}

std::vector<std::vector<std::string>> parse(const std::string& text, const std::string& path) {
  csv_parser parser;
  check(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0, "csv", "out of memory");
  const std::unique_ptr<csv_parser, void (*)(csv_parser*)> owner(&parser, csv_free);
  Reading reading;
  const bool whole = csv_parse(&parser, text.data(), text.size(), end_of_cell, end_of_row,
                               &reading) == text.size() &&
                     csv_fini(&parser, end_of_cell, end_of_row, &reading) == 0;
  check(whole, "csv", path, ": ", csv_strerror(csv_error(&parser)));
  return std::move(reading.rows);
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string out(1, '"');
  for (const char c : cell) out.append(c == '"' ? 2 : 1, c);
  out += '"';
  return out;
}

std::string line(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    out += quoted(cells[i]);
  }
  out += '\n';
  return out;
}

}  // namespace

bool Table::has(const std::string& column) const {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

std::size_t Table::index(const std::string& column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  std::string names;
  for (const std::string& name : columns) names += (names.empty() ? "" : ", ") + name;
  fail("results", "there is no column \"", column, "\"; there are ", names);
}

const std::string& Table::text(std::size_t row, const std::string& column) const {
  return rows.at(row)[index(column)];
}

double Table::number(std::size_t row, const std::string& column) const {
  const std::string& cell = text(row, column);
  if (cell.empty()) return std::nan("");
  const auto value = parse_number<double>(cell);
  check(value.has_value(), "results", "row ", row + 1, ", column ", column, ": \"", cell,
        "\" is not a number");
  return *value;
}

Table read_csv(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good(), "results", path, " can not be read");
  std::vector<std::vector<std::string>> rows =
      parse({std::istreambuf_iterator<char>(in), {}}, path);
  check(!rows.empty(), "results", path, " is empty");
  Table out{std::move(rows.front()), {}};
  for (std::size_t r = 1; r < rows.size(); ++r) {
    check(rows[r].size() == out.columns.size(), "results", path, ", row ", r, " has ",
          rows[r].size(), " cells, expected ", out.columns.size());
    out.rows.push_back(std::move(rows[r]));
  }
  return out;
}

std::string to_csv(const Table& table) {
  std::string out = line(table.columns);
  for (const auto& row : table.rows) out += line(row);
  return out;
}

}  // namespace rho::sweep
