// A folder as rho-sweep leaves it, of six made-up runs: three initial standard deviations with
// natural and with random labels; the normalized losses lie on a line of slope 1.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tools/sweep/table.h"

namespace rho::testing {

using Json = nlohmann::ordered_json;

/// A recipe with a figure of each kind; one of its three claims is not asserted at scale tiny, and
/// does not hold.
inline Json sweep_recipe() {
  const Json slope{{"text", "slope of the normalized losses"},
                   {"published", "1.0075"},
                   {"statistic", "slope"},
                   {"x", "train_normalized_cross_entropy"},
                   {"y", "test_normalized_cross_entropy"},
                   {"at_least", 0.9},
                   {"at_most", 1.1}};
  const Json chance{{"text", "random labels: <chance> & above"},
                    {"statistic", "min"},
                    {"y", "test_error"},
                    {"where", {{"labels", "random"}}},
                    {"at_least", 0.85}};
  const Json fits{{"text", "all fit"},
                  {"statistic", "max"},
                  {"y", "train_error"},
                  {"at_most", 0.0},
                  {"asserted", {"full"}}};
  const Json errors{{"kind", "curve"},
                    {"title", "errors"},
                    {"x", "init-std"},
                    {"y", {"train_error", "test_error"}},
                    {"log_x", true}};
  const Json epochs{{"kind", "epochs"}, {"y", "train_loss"}, {"series", "labels"}, {"log_y", true}};
  const Json outputs{{"kind", "histogram"}, {"x", "normalized_winning_output"}};
  return {{"id", "made-up"},
          {"title", "Six <made-up> runs & a line"},
          {"source", "Puzzles, Fig. 2"},
          {"run", {{"model", "mlp-8-1"}}},
          {"axis",
           {{{"name", "init-std"}, {"values", {0.01, 0.1, 1.0}}},
            {{"name", "labels"}, {"values", {"natural", "random"}}}}},
          {"measure", {{{"name", "outputs"}, {"examples", true}}}},
          {"figure",
           {{{"name", "losses"},
             {"title", "Losses"},
             {"kind", "losses"},
             {"label", "init-std"},
             {"series", "labels"}},
            {{"name", "errors"}, {"title", "Errors"}, {"panel", {errors, epochs, outputs}}}}},
          {"claim", {slope, chance, fits}},
          {"scale", {{"tiny", {{"note", "Everything"}}}, {"full", {{"note", ""}}}}}};
}

/// The first `done` runs are done, the next `failed` ones failed, the others are not finished.
inline void write_sweep(const TemporaryFolder& folder, std::size_t done = 6, std::size_t failed = 0,
                        const Json& recipe = sweep_recipe()) {
  sweep::Table table{{"run",
                      "name",
                      "group",
                      "status",
                      "error",
                      "init-std",
                      "labels",
                      "epoch",
                      "train_loss",
                      "train_error",
                      "test_loss",
                      "test_error",
                      "train_normalized_cross_entropy",
                      "test_normalized_cross_entropy",
                      "train_normalized_cross_entropy_minus_log_classes",
                      "test_normalized_cross_entropy_minus_log_classes",
                      "train_mean_centred_margin",
                      "test_mean_centred_margin",
                      "seed",
                      "version"},
                     {}};
  Json runs = Json::array();
  const char* const stds[] = {"0.01", "0.1", "1"};
  const auto text = [](double value) { return Json(value).dump(); };
  for (std::size_t run = 0; run < 6; ++run) {
    const std::string std = stds[run / 2], labels = run % 2 == 0 ? "natural" : "random";
    const std::string name = "init-std=" + std + " labels=" + labels;
    runs.push_back({{"name", name}});
    std::vector<std::string> row{std::to_string(run), name, "grid", "unfinished", "", std, labels};
    if (run < done) {
      const double train = -0.01 * static_cast<double>(run + 1);
      const double test = train + 0.002 + (run % 2 == 0 ? 1e-4 : -1e-4);
      const double log_classes = std::log(10.0);
      row[3] = "done";
      for (const double value :
           {2.0, 0.5 - 0.01 * static_cast<double>(run), 0.01, 1.5, run % 2 == 0 ? 0.25 : 0.9,
            log_classes + train, log_classes + test, train, test, -train, -test, 7.0})
        row.push_back(text(value));
      row.emplace_back("0.1+abc");
      const std::string runs_folder = "runs/00" + std::to_string(run) + "/";
      folder.write(runs_folder + "train/metrics.jsonl",
                   "{\"epoch\": 1, \"train_loss\": 1.5}\n{\"epoch\": 2, \"train_loss\": 0.5}\n");
      folder.write(
          runs_folder + "examples-outputs.csv",
          "split,index,normalized_winning_output\ntrain,0,0.01\ntrain,1,0.03\ntest,0,0.02\n");
    } else if (run < done + failed) {
      row[3] = "failed";
      row[4] = "rho-train: <out of memory>";
    }
    row.resize(table.columns.size());
    table.rows.push_back(std::move(row));
  }
  folder.write("recipe.json", recipe.dump());
  folder.write("sweep.json", Json{{"scale", "tiny"}, {"recipe", "made-up"}, {"runs", runs}}.dump());
  folder.write("results.csv", sweep::to_csv(table));
}

}  // namespace rho::testing
