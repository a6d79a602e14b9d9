#include "datasets/csv.h"

#include <csv.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "datasets/bytes.h"
#include "tensor/text.h"

namespace rho::datasets {
namespace {

struct Table {
  std::string path;
  std::int64_t columns = 0;  ///< of features
  std::vector<double> features;
  std::vector<std::string> labels;
};

// Collects the cells of one row; libcsv calls it through C functions, which no exception may cross.
struct Rows {
  std::vector<std::vector<std::string>> all;
  std::vector<std::string> open;
};

std::vector<std::vector<std::string>> read_rows(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  csv_parser parser;
  check(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0, "csv", "the parser does not start");
  Rows rows;
  const auto cell = [](void* text, std::size_t length, void* data) {
    static_cast<Rows*>(data)->open.emplace_back(static_cast<const char*>(text), length);
  };
  const auto row = [](int, void* data) {
    auto* const rows_seen = static_cast<Rows*>(data);
    rows_seen->all.push_back(std::move(rows_seen->open));
    rows_seen->open.clear();
  };
  const bool ok =
      csv_parse(&parser, bytes.data(), bytes.size(), cell, row, &rows) == bytes.size() &&
      csv_fini(&parser, cell, row, &rows) == 0;
  const std::string message = csv_strerror(csv_error(&parser));
  csv_free(&parser);
  check(ok, "csv", path, ", row ", rows.all.size() + 1, ": ", message);
  return std::move(rows.all);
}

Table read_table(const std::string& path) {
  const std::vector<std::vector<std::string>> rows = read_rows(path);
  check(rows.size() >= 2, "csv", path, " has ", rows.size(),
        " rows, expected a header and at least one example");
  const std::size_t width = rows[0].size();
  check(width >= 2, "csv", path, " has ", width,
        " column, expected features and the label, separated by commas");
  Table table{path, static_cast<std::int64_t>(width) - 1, {}, {}};
  for (std::size_t r = 1; r < rows.size(); ++r) {
    const std::vector<std::string>& cells = rows[r];
    check(cells.size() == width, "csv", path, ", row ", r + 1, " has ", cells.size(),
          " cells, expected ", width, " as in the header");
    for (std::size_t c = 0; c + 1 < width; ++c) {
      const std::optional<double> value = parse_number<double>(cells[c]);
      check(value.has_value(), "csv", path, ", row ", r + 1, ", column ", c + 1, " (", rows[0][c],
            "): \"", cells[c], "\" is not a finite number");
      table.features.push_back(*value);
    }
    table.labels.push_back(cells.back());
  }
  return table;
}

std::vector<std::string> class_names(const Table& table) {
  std::vector<std::string> names = table.labels;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (std::all_of(names.begin(), names.end(),
                  [](const std::string& name) { return parse_number<double>(name).has_value(); }))
    std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return *parse_number<double>(a) < *parse_number<double>(b);
    });
  return names;
}

Dataset make_dataset(const std::string& name, const Table& table,
                     const std::vector<std::string>& names) {
  std::vector<std::int64_t> labels;
  for (std::size_t r = 0; r < table.labels.size(); ++r) {
    const auto found = std::find(names.begin(), names.end(), table.labels[r]);
    check(found != names.end(), "csv", table.path, ", row ", r + 2, ": label \"", table.labels[r],
          "\" does not occur in the training table");
    labels.push_back(found - names.begin());
  }
  const auto rows = static_cast<std::int64_t>(labels.size());
  return {name, Tensor::from(table.features, {rows, table.columns}), Tensor::from(labels, {rows}),
          static_cast<std::int64_t>(names.size())};
}

}  // namespace

Split load_csv(const std::string& directory) {
  const Table train = read_table(find_plain_or_gzip(directory, "train.csv"));
  const Table test = read_table(find_plain_or_gzip(directory, "test.csv"));
  check(test.columns == train.columns, "csv", test.path, " has ", test.columns,
        " features, expected ", train.columns, " as in ", train.path);
  const std::vector<std::string> names = class_names(train);
  return {make_dataset("csv/train", train, names), make_dataset("csv/test", test, names)};
}

}  // namespace rho::datasets
