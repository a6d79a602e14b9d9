// rho-compare on made-up runs: the table, the JSON, the picture, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::Arguments;
using testing::contains;

class RhoCompareTest : public ::testing::Test {
 protected:
  // Two epochs; the test loss of the last one is `loss`.
  void write_run(const std::string& name, double loss, bool audited) const {
    std::string lines;
    for (const int epoch : {1, 2})
      lines += ordered_json{{"epoch", epoch},
                            {"train_loss", 0.5},
                            {"train_error", 0.25},
                            {"test_loss", epoch == 2 ? loss : 1.0},
                            {"test_error", 0.375},
                            {"log_rho", 3.5},
                            {"train_normalized_cross_entropy_minus_log_classes", -0.015625},
                            {"test_normalized_cross_entropy_minus_log_classes", -0.0078125},
                            {"median_normalized_margin",
                             epoch == 1 ? ordered_json() : ordered_json(0.03125)},
                            {"layer_norms", {{"last", 2.0}, {"first", 3.0}}}}
                   .dump() +
               "\n";
    folder_.write(name + "/config.json", R"({"model": "mlp", "data": "csv"})");
    folder_.write(name + "/metrics.jsonl", lines);
    if (!audited) return;
    const auto step = [](int number, double deviation) {
      const ordered_json layer{
          {"name", "first"},   {"rho", 3.0},          {"norm_deviation", deviation},
          {"tangency", 0.125}, {"shortened", number}, {"held", 1}};
      return ordered_json{{"epoch", 1}, {"step", number}, {"layers", {layer, layer}}}.dump() + "\n";
    };
    folder_.write(name + "/audit.jsonl", step(1, 0.0625) + step(2, 0.03125));
  }
  testing::Finished compare(const Arguments& options) const {
    Arguments all{testing::program("rho-compare")};
    all.insert(all.end(), options.begin(), options.end());
    return testing::run(all);
  }
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::string& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(contains(finished.err, "rho-compare: ", expected));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(RhoCompareTest, TableJsonAndPicture) {
  write_run("plain", 0.75, false);
  write_run("audited", 0.875, true);
  const Arguments both{folder_.file("plain") + "/",
                       folder_.file("audited"),
                       "--json",
                       folder_.file("out.json"),
                       "--plot",
                       folder_.file("out.svg"),
                       "--title",
                       "Two runs"};
  const testing::Finished finished = compare(both);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(contains(finished.out, "plain ", "0.75000", "audited", "0.87500", "37.50", "6.25e-02",
                       "1.25e-01"));
  EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 3);
  const auto written = ordered_json::parse(testing::read_text(folder_.file("out.json")));
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0]["name"], "plain");
  EXPECT_FALSE(written[0].contains("audit"));
  EXPECT_EQ(written[1]["last_epoch"]["test_loss"], 0.875);
  EXPECT_EQ(written[1]["audit"]["shortened"], 4);  // of both layers, at the last step
  EXPECT_EQ(written[1]["audit"]["held"], 2);
  EXPECT_TRUE(contains(testing::read_text(folder_.file("out.svg")), "<svg", "Two runs", "plain",
                       "audited", "Norm of last", "Norm of first", "Test error"));
}

TEST_F(RhoCompareTest, WhatIsWrongIsNamed) {
  write_run("run", 0.5, true);
  const std::string run = folder_.file("run");
  expect_failure(compare({}), 2, "RUN");
  expect_failure(compare({run, "--plot", "x.pdf"}), 2, "--plot");
  expect_failure(compare({folder_.file("absent")}), 1, "config.json");
  folder_.write("run/audit.jsonl", "{\"layers\": [{}]}\n");
  expect_failure(compare({run}), 1, "audit.jsonl");
  fs::remove(run + "/audit.jsonl");
  folder_.write("run/metrics.jsonl", "{\"epoch\": 1}\nhalf a li");
  expect_failure(compare({run}), 1, "line 2");
  folder_.write("run/metrics.jsonl", "{\"epoch\": 1}\n");
  expect_failure(compare({run}), 1, "run has no train_loss");
  folder_.write("run/metrics.jsonl", "");
  expect_failure(compare({run}), 1, "no epoch yet");
  folder_.write("run/config.json", "[]");
  expect_failure(compare({run}), 1, "config.json is not a JSON object");
}

TEST_F(RhoCompareTest, HelpHasAnExample) {
  const testing::Finished finished = compare({"--help"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_TRUE(contains(finished.out, "RUN", "--json", "--plot", "Example:"));
}

}  // namespace
}  // namespace rho
