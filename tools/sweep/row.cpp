#include "tools/sweep/row.h"

#include <algorithm>

#include "tensor/error.h"
#include "tools/support/json_file.h"
#include "tools/support/nearest_epoch.h"
#include "tools/support/version.h"

namespace rho::sweep {
namespace {

using Json = nlohmann::ordered_json;

// Of a machine or a folder, not of the result; or what only a picture needs.
constexpr const char* kLeftOut[] = {"img_per_s", "seconds",    "threads", "start",
                                    "run",       "checkpoint", "panels",  "notes"};

// Scalars under "PREFIX.KEY"; tables and lists of tables one level down; other lists are left out.
void flatten(const Json& value, const std::string& name, Row& row) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items())
      if (std::find(std::begin(kLeftOut), std::end(kLeftOut), key) == std::end(kLeftOut))
        flatten(inner, name.empty() ? key : name + "." + key, row);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size() && value[i].is_object(); ++i)
      flatten(value[i], name + "." + std::to_string(i), row);
  } else if (!row.contains(name)) {  // an axis has the name of its option
    row[name] = value;
  }
}

std::vector<Json> read_epochs(const std::string& path) {
  std::vector<Json> epochs = tools::read_json_lines(path, "results");
  for (std::size_t i = 0; i < epochs.size(); ++i)
    check(epochs[i].contains("train_loss"), "results", path, ", line ", i + 1,
          " is not an epoch's record");
  check(!epochs.empty(), "results", path, " has no epoch");
  return epochs;
}

Json measured_epoch(const Run& run, const std::string& path) {
  const std::vector<Json> epochs = read_epochs(path);
  const std::optional<double> loss = snapshot_loss(run);
  if (!loss) return epochs.back();
  tools::NearestEpoch nearest(*loss);
  for (std::size_t i = 0; i < epochs.size(); ++i)
    if (const Json& found = epochs[i].at("train_loss"); found.is_number())
      nearest.offer(static_cast<std::int64_t>(i + 1), found.get<double>());
  return epochs[static_cast<std::size_t>(std::max<std::int64_t>(nearest.epoch(), 1) - 1)];
}

// Null where one of them has no value.
Json difference(const Json& epoch, const std::string& of) {
  const Json test = epoch.value("test_" + of, Json()), train = epoch.value("train_" + of, Json());
  if (!test.is_number() || !train.is_number()) return nullptr;
  return test.get<double>() - train.get<double>();
}

void add_training(const Recipe& recipe, const Run& run, const std::string& folder, Row& row) {
  const std::string last = folder + "/" + run.phases.back().name;
  const Json epoch = measured_epoch(run, last + "/metrics.jsonl");
  flatten(epoch, "", row);
  row["generalization_gap_error"] = difference(epoch, "error");
  row["generalization_gap_normalized"] =
      difference(epoch, "normalized_cross_entropy_minus_log_classes");
  for (const Measure& what : recipe.measures)
    flatten(tools::read_json(folder + "/measure-" + what.name + ".json", "results"), what.name,
            row);
}

void add_options(const Run& run, const std::string& folder, Row& row) {
  for (std::size_t i = run.phases.size(); i-- > 0;) {  // the last phase's have plain names
    const std::string& name = run.phases[i].name;
    const bool last = i + 1 == run.phases.size();
    flatten(tools::read_json(folder + "/" + name + "/config.json", "results"), last ? "" : name,
            row);
  }
}

}  // namespace

Row identify(const Recipe& recipe, const Run& run) {
  Row row{
      {"run", run.index}, {"name", run.name}, {"group", run.group}, {"status", ""}, {"error", ""}};
  for (std::size_t a = 0; a < recipe.axes.size(); ++a) row[recipe.axes[a].name] = run.levels[a];
  return row;
}

Row read_row(const Recipe& recipe, const Run& run, const std::string& folder) {
  Row row = identify(recipe, run);
  row["status"] = "done";
  if (run.phases.empty()) {
    flatten(tools::read_json(folder + "/result.json", "results"), "", row);
    flatten(run.options, "", row);
  } else {
    add_training(recipe, run, folder, row);
    add_options(run, folder, row);
  }
  row["version"] = tools::code_version();
  return row;
}

Table to_table(const std::vector<Row>& rows) {
  Row columns = Row::object();
  for (const Row& row : rows)
    for (const auto& [name, unused] : row.items()) columns[name] = nullptr;
  Table out;
  for (const auto& [name, unused] : columns.items()) out.columns.push_back(name);
  for (const Row& row : rows) {
    std::vector<std::string>& cells = out.rows.emplace_back();
    for (const std::string& column : out.columns) {
      const Json value = row.value(column, Json());
      cells.push_back(value.is_null() ? "" : option_text(value));
    }
  }
  return out;
}

}  // namespace rho::sweep
