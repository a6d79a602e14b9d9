// Epochs: y along the training of each run, its phases one after the other.
#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tools/figures/groups.h"
#include "tools/figures/quantity.h"
#include "tools/support/json_file.h"

namespace rho::figures {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNames = 16;

// A number of an epoch's record: "layer_norms.conv1" lies in a table; gaps are test less training.
// NaN where it is null.
double number(const Json& record, const std::string& key, const std::string& path) {
  if (key == "generalization_gap_error")
    return number(record, "test_error", path) - number(record, "train_error", path);
  if (key == "generalization_gap_normalized")
    return number(record, "test_normalized_cross_entropy_minus_log_classes", path) -
           number(record, "train_normalized_cross_entropy_minus_log_classes", path);
  if (key.starts_with('-')) return -number(record, key.substr(1), path);
  const std::size_t dot = key.find('.');
  if (dot != std::string::npos && record.contains(key.substr(0, dot)))
    return number(record[key.substr(0, dot)], key.substr(dot + 1), path);
  const bool found = record.is_object() && record.contains(key);
  check(found && (record[key].is_number() || record[key].is_null()), "figure", path, " has no ",
        key);
  return record[key].is_null() ? std::nan("") : record[key].get<double>();
}

// Appends a run's points; where its phases end goes to `ends`.
void add_run(const Sweep& sweep, std::size_t row, const std::string& y, Series& series,
             std::vector<double>& ends) {
  const double factor = quantity(y).factor;
  double done = 0.0;
  for (const sweep::Phase& phase : sweep.recipe.phases) {
    const std::string path = sweep::run_folder(sweep, row) + "/" + phase.name + "/metrics.jsonl";
    double last = 0.0;
    for (const Json& record : tools::read_json_lines(path, "figure")) {
      last = number(record, "epoch", path);
      const double value = factor * number(record, y, path);
      series.points.push_back({done + last, value, value, value, ""});
    }
    done += last;
    ends.push_back(done);
  }
}

// Without a series every run is one, as long as a key of all their names can be read.
Panel with_series(const Sweep& sweep, const Panel& panel, const std::vector<std::size_t>& rows) {
  Panel out = panel;
  if (out.series.empty() && rows.size() <= kMostNames && sweep.results.has("name"))
    out.series = "name";
  return out;
}

}  // namespace

Content make_epochs(const Sweep& sweep, const Panel& panel) {
  Content out;
  const std::vector<std::size_t> rows = rows_of(sweep, panel);
  out.x = {axis_label(panel.x_label, {"epoch"}), panel.log_x};
  out.x.whole = true;
  out.y = {axis_label(panel.y_label, panel.y), panel.log_y};
  for (const Group& group : make_groups(sweep, with_series(sweep, panel, rows), rows)) {
    std::string name = group.name;
    for (const std::size_t row : group.rows) {
      Series series{name, Series::Look::Lines, group.colour, group.shape, {}};
      std::vector<double> ends;
      add_run(sweep, row, group.y, series, ends);
      out.series.push_back(std::move(series));
      for (std::size_t i = 0; i + 1 < ends.size(); ++i)
        if (std::find(out.boundaries.begin(), out.boundaries.end(), ends[i]) ==
            out.boundaries.end())
          out.boundaries.push_back(ends[i]);
      name.clear();  // once in the key
    }
  }
  return out;
}

}  // namespace rho::figures
