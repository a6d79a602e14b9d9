// rho-measure as a user runs it: what it prints and writes, and how it fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/model.h"
#include "nn/safetensors.h"
#include "nn/state.h"
#include "tensor/text.h"
#include "tests/support/clouds.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Arguments;

class RhoMeasureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(directory_ / "csv");
    testing::write_clouds(directory_ / "csv/train.csv", 60, 1);
    testing::write_clouds(directory_ / "csv/test.csv", 30, 2);
    write_checkpoint("named.safetensors", {{"model", "mlp-16-2"},
                                           {"classes", "3"},
                                           {"input", "4"},
                                           {"standardization.mean", "0.5,0.5,0.5,0"},
                                           {"standardization.std", "1,1,1,2"}});
    write_checkpoint("bare.safetensors", {});
  }

  std::string file(const std::string& name) const { return (directory_ / name).string(); }
  std::string content(const std::string& name) const {
    return testing::read_text(directory_ / name);
  }

  void write_checkpoint(const std::string& name,
                        const std::map<std::string, std::string>& metadata) const {
    Rng rng(4);
    const auto model = nn::make_model({"mlp-16-2", {4}, 3}, {}, rng);
    nn::write_safetensors(file(name), {metadata, nn::export_state(*model)});
  }

  testing::Finished measure(const std::string& checkpoint, const Arguments& more = {}) const {
    Arguments command{testing::program("rho-measure"), "--checkpoint", file(checkpoint), "--data",
                      "csv:" + file("csv")};
    command.insert(command.end(), more.begin(), more.end());
    return testing::run(command);
  }
  json measured(const std::string& checkpoint, Arguments more = {}) const {
    more.insert(more.end(), {"--json", file("out.json")});
    const testing::Finished finished = measure(checkpoint, more);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.err, "");
    return json::parse(content("out.json"));
  }

  // Exactly one line on stderr, that begins with the program's name and says all of `expected`.
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::vector<std::string>& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(finished.err.starts_with("rho-measure: ")) << finished.err;
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    for (const std::string& part : expected)
      EXPECT_NE(finished.err.find(part), std::string::npos) << finished.err << " lacks " << part;
  }

  testing::TemporaryFolder temporary_;
  const fs::path directory_ = temporary_.path();
};

TEST_F(RhoMeasureTest, PrintsTablesAndWritesJsonAndPicture) {
  const testing::Finished finished = measure(
      "named.safetensors", {"--json", file("out.json"), "--plot", file("out.png"), "--batch", "7"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  for (const char* part : {"mlp-16-2", "from the checkpoint", "normalized CE - ln C", "train",
                           "test", "fc1", "fc3", "log rho", "0 of 90 classes changed"})
    EXPECT_NE(finished.out.find(part), std::string::npos) << finished.out << " lacks " << part;
  EXPECT_TRUE(content("out.png").starts_with("\x89PNG"));

  const json out = json::parse(content("out.json"));
  EXPECT_EQ(out["model"], "mlp-16-2");
  EXPECT_EQ(out["checkpoint"], file("named.safetensors"));
  EXPECT_EQ(out["data"], "csv:" + file("csv"));
  EXPECT_EQ(out["norm"], "2");
  EXPECT_EQ(out["precision"], "f32");
  EXPECT_EQ(out["standardization"]["mean"], (std::vector<double>{0.5, 0.5, 0.5, 0}));
  ASSERT_EQ(out["layers"].size(), 3U);
  double sum = 0.0;
  for (const json& layer : out["layers"]) sum += std::log(layer["norm"].get<double>());
  EXPECT_EQ(out["layers"][0]["name"], "fc1");
  const double log_rho = out["log_rho"];
  EXPECT_NEAR(log_rho, sum, 1e-9);
  for (const char* split : {"train", "test"}) {
    const json& of = out[split];
    EXPECT_NEAR(of["normalized_cross_entropy"].get<double>() - std::log(3.0),
                of["normalized_cross_entropy_minus_log_classes"].get<double>(), 1e-14);
    EXPECT_GT(of["cross_entropy"].get<double>(), 0.0);
    EXPECT_LE(of["error"].get<double>(), 1.0);
    for (const char* key : {"min", "mean", "p1", "p5", "p10", "p25", "p50"})
      EXPECT_NEAR(of["normalized_margin"][key].get<double>(),
                  of["margin"][key].get<double>() * std::exp(-log_rho), 1e-14)
          << key;
  }
  EXPECT_LT(out["normalization"]["max_relative_deviation"].get<double>(), 1e-5);
  EXPECT_EQ(out["normalization"]["classes_changed"], 0);
}

TEST_F(RhoMeasureTest, StandardizationComesFromFlagsThenCheckpointThenData) {
  const json named = measured("named.safetensors");
  EXPECT_EQ(named["standardization"]["source"], "the checkpoint");
  const json given = measured(
      "bare.safetensors", {"--model", "mlp-16-2", "--mean", "0.5,0.5,0.5,0", "--std", "1,1,1,2"});
  EXPECT_EQ(given["standardization"]["source"], "--mean and --std");
  EXPECT_EQ(given["train"], named["train"]);
  const json found = measured("bare.safetensors", {"--model", "mlp-16-2"});
  EXPECT_EQ(found["standardization"]["source"], "the training split");
  EXPECT_NE(found["train"], named["train"]);
}

TEST_F(RhoMeasureTest, NormsAndPrecisions) {
  const json f32 = measured("named.safetensors");
  const json f64 = measured("named.safetensors", {"--precision", "f64"});
  EXPECT_EQ(f64["precision"], "f64");
  EXPECT_LT(f64["normalization"]["max_relative_deviation"].get<double>(), 1e-10);
  EXPECT_NEAR(f64["test"]["cross_entropy"], f32["test"]["cross_entropy"], 1e-5);
  double last = 1e300;  // the norms fall with p
  for (const char* p : {"1", "1.5", "2", "inf"}) {
    const json out = measured("named.safetensors", {"--norm", p});
    EXPECT_EQ(out["norm"], p);
    EXPECT_LT(out["log_rho"].get<double>(), last);
    EXPECT_EQ(out["normalization"]["classes_changed"], 0);
    last = out["log_rho"];
  }
}

TEST_F(RhoMeasureTest, LayersOfAnotherNorm) {
  const json ones = measured("named.safetensors", {"--norm", "1"});
  const json hundreds = measured("named.safetensors", {"--norm", "1", "--layer-norm", "100"});
  EXPECT_EQ(ones["layer_norm"], 1.0);
  EXPECT_EQ(hundreds["layer_norm"], 100.0);
  EXPECT_EQ(hundreds["layers"], ones["layers"]);
  EXPECT_NEAR(hundreds["log_rho"].get<double>(),
              ones["log_rho"].get<double>() - 3 * std::log(100.0), 1e-12);
  EXPECT_EQ(hundreds["train"]["cross_entropy"], ones["train"]["cross_entropy"]);
  EXPECT_LT(hundreds["normalization"]["max_relative_deviation"].get<double>(), 1e-5);
}

TEST_F(RhoMeasureTest, TheNormOfOneOutput) {
  const json first = measured("named.safetensors");
  const json last = measured("named.safetensors", {"--output-norm-example", "59"});
  EXPECT_EQ(first["output_norm"]["example"], 0);
  EXPECT_EQ(last["output_norm"]["example"], 59);
  EXPECT_NE(first["output_norm"]["log_norm"], last["output_norm"]["log_norm"]);
  for (const json& out : {first, last})
    for (const char* split : {"train", "test"})
      EXPECT_NEAR(out[split]["output_normalized_cross_entropy"].get<double>() - std::log(3.0),
                  out[split]["output_normalized_cross_entropy_minus_log_classes"].get<double>(),
                  1e-14);
  expect_failure(measure("named.safetensors", {"--output-norm-example", "60"}), 1,
                 {"output_norm", "60 of 60"});
}

TEST_F(RhoMeasureTest, WritesATableOfTheExamples) {
  const json out = measured("named.safetensors", {"--examples", file("examples.csv")});
  std::ifstream in(file("examples.csv"));
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line,
            "split,index,label,predicted,winning_output,normalized_winning_output,margin,"
            "normalized_margin");
  int rows = 0, wrong = 0;
  double smallest = 1e300, winning = 0.0;  // of the training split
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = split(line, ',');
    ASSERT_EQ(cells.size(), 8U) << line;
    const bool train = rows < 60;
    EXPECT_EQ(cells[0], train ? "train" : "test");
    EXPECT_EQ(cells[1], std::to_string(train ? rows : rows - 60));
    EXPECT_EQ(cells[2], std::to_string(rows % 3));
    if (train) {
      wrong += cells[2] != cells[3];
      winning += std::stod(cells[4]) / 60;
      smallest = std::min(smallest, std::stod(cells[7]));
    }
    EXPECT_EQ(cells[2] == cells[3], std::stod(cells[6]) > 0.0) << line;
    ++rows;
  }
  EXPECT_EQ(rows, 90);
  EXPECT_DOUBLE_EQ(wrong / 60.0, out["train"]["error"]);
  EXPECT_NEAR(winning, out["train"]["winning_output"]["mean"].get<double>(), 1e-12);
  EXPECT_EQ(smallest, out["train"]["normalized_margin"]["min"]);
}

TEST_F(RhoMeasureTest, ARunIsMeasuredOnItsOwnData) {
  const auto run = testing::run({testing::program("rho-train"),
                                 "--model",
                                 "mlp-16-2",
                                 "--data",
                                 "csv:" + file("csv"),
                                 "--epochs",
                                 "3",
                                 "--lr",
                                 "0.1",
                                 "--subset",
                                 "40",
                                 "--subset-test",
                                 "20",
                                 "--subset-mode",
                                 "random",
                                 "--corrupt",
                                 "0.5",
                                 "--corrupt-test",
                                 "0.25",
                                 "--pixels",
                                 "shuffled",
                                 "--precision",
                                 "f64",
                                 "--snapshot",
                                 "100",
                                 "--out",
                                 file("run"),
                                 "--threads",
                                 "1"});
  ASSERT_EQ(run.code, 0) << run.err;
  std::ifstream metrics(file("run/metrics.jsonl"));
  std::vector<json> records;
  for (std::string line; std::getline(metrics, line);) records.push_back(json::parse(line));
  ASSERT_EQ(records.size(), 3U);

  const auto measured_as = [&](const json& record, const Arguments& more) {
    Arguments command{testing::program("rho-measure"), "--run", file("run"), "--json",
                      file("out.json")};
    command.insert(command.end(), more.begin(), more.end());
    const testing::Finished finished = testing::run(command);
    EXPECT_EQ(finished.code, 0) << finished.err;
    const json out = json::parse(content("out.json"));
    EXPECT_EQ(out["run"], file("run"));
    EXPECT_EQ(out["precision"], "f64");
    EXPECT_EQ(out["train"]["examples"], 40);
    EXPECT_EQ(out["test"]["examples"], 20);
    const auto expect_near = [](const json& a, const json& b) {
      EXPECT_NEAR(a.get<double>(), b.get<double>(), 1e-12);
    };
    expect_near(out["log_rho"], record["log_rho"]);
    for (const std::string split : {"train", "test"}) {
      expect_near(out[split]["cross_entropy"], record[split + "_loss"]);
      expect_near(out[split]["error"], record[split + "_error"]);
      expect_near(out[split]["normalized_mean_centred_margin"],
                  record[split + "_mean_centred_margin"]);
    }
  };
  measured_as(records[2], {});
  const json& snapshot = records[0];  // the nearest to 100: the largest
  measured_as(snapshot, {"--checkpoint", "snapshot.safetensors"});
  fs::copy(file("run/snapshot.safetensors"), file("copy.safetensors"));
  measured_as(snapshot, {"--checkpoint", file("copy.safetensors")});
}

TEST_F(RhoMeasureTest, ARunThatIsNone) {
  const std::string binary = testing::program("rho-measure");
  expect_failure(testing::run({binary, "--run", file("none")}), 1, {file("none/config.json")});
  fs::create_directories(directory_ / "run");
  std::ofstream(file("run/config.json")) << "{";
  expect_failure(testing::run({binary, "--run", file("run")}), 1, {file("run/config.json")});
  std::ofstream(file("run/config.json")) << R"({"data": "csv:x", "epochs": "many"})";
  expect_failure(testing::run({binary, "--run", file("run")}), 1,
                 {file("run/config.json"), "epochs"});
  std::ofstream(file("run/config.json")) << R"({"data": "csv:x"})";
  expect_failure(testing::run({binary, "--run", file("run")}), 1, {file("run/last.safetensors")});
  expect_failure(measure("named.safetensors", {"--run", file("run")}), 2, {"--run", "--data"});
}

TEST_F(RhoMeasureTest, WritesSvg) {
  EXPECT_EQ(measure("named.safetensors", {"--plot", file("out.svg")}).code, 0);
  EXPECT_NE(content("out.svg").find("<svg"), std::string::npos);
  EXPECT_NE(content("out.svg").find("mlp-16-2 on csv"), std::string::npos);
}

TEST_F(RhoMeasureTest, HelpHasExamples) {
  const testing::Finished finished = testing::run({testing::program("rho-measure"), "--help"});
  EXPECT_EQ(finished.code, 0);
  for (const char* part : {"Examples:", "--checkpoint", "--mean", "fashion-mnist", "resnet"})
    EXPECT_NE(finished.out.find(part), std::string::npos) << part;
}

TEST_F(RhoMeasureTest, WrongCommandLinesExitWith2) {
  const auto wrong = [&](const Arguments& more, const std::string& expected) {
    expect_failure(measure("named.safetensors", more), 2, {expected});
  };
  wrong({"--bogus", "1"}, "--bogus");
  wrong({"--norm", "0.5"}, "--norm");
  wrong({"--norm", "two"}, "--norm");
  wrong({"--layer-norm", "0"}, "--layer-norm");
  wrong({"--output-norm-example", "-1"}, "--output-norm-example");
  wrong({"--precision", "f16"}, "--precision");
  wrong({"--precision", "tf32"}, "must be f32 or f64");
  wrong({"--batch", "0"}, "--batch");
  wrong({"--batch", "many"}, "--batch");
  wrong({"--mean", "0,0,0,0"}, "--std");
  wrong({"--mean", "0,0,0,0", "--std", "1,1"}, "--std");
  wrong({"--mean", "0,0,x,0", "--std", "1,1,1,1"}, "--mean");
  wrong({"--mean", "0,0,0,0", "--std", "1,1,0,1"}, "--std");
  wrong({"--plot", file("out.pdf")}, ".svg");
  const std::string binary = testing::program("rho-measure");
  expect_failure(testing::run({binary, "--data", "csv:" + file("csv")}), 2, {"--checkpoint"});
  expect_failure(testing::run({binary, "--checkpoint", file("named.safetensors")}), 2, {"--data"});
}

TEST_F(RhoMeasureTest, OtherFailuresExitWith1AndNameTheFile) {
  expect_failure(measure("none.safetensors"), 1, {file("none.safetensors")});
  expect_failure(measure("bare.safetensors"), 1, {file("bare.safetensors"), "--model"});
  expect_failure(measure("named.safetensors", {"--model", "mlp-17-2"}), 1,
                 {file("named.safetensors"), "[16, 4]", "[17, 4]"});
  expect_failure(measure("named.safetensors", {"--model", "mlp-16-3"}), 1,
                 {file("named.safetensors"), "fc"});
  expect_failure(measure("named.safetensors", {"--model", "resnet21"}), 1,
                 {"resnet21", "resnet20"});
  expect_failure(measure("named.safetensors", {"--mean", "0,0", "--std", "1,1"}), 1, {"--mean"});
  expect_failure(measure("named.safetensors", {"--json", file("none/out.json")}), 1,
                 {"none/out.json"});
  expect_failure(measure("named.safetensors", {"--examples", file("none/out.csv")}), 1,
                 {"none/out.csv"});
  expect_failure(measure("named.safetensors", {"--plot", file("none/out.png")}), 1,
                 {"none/out.png"});

  const std::string whole = content("named.safetensors");
  std::ofstream(file("cut.safetensors"), std::ios::binary) << whole.substr(0, whole.size() - 40);
  expect_failure(measure("cut.safetensors"), 1, {file("cut.safetensors")});
  std::ofstream(file("text.safetensors")) << "not a checkpoint";
  expect_failure(measure("text.safetensors"), 1, {file("text.safetensors")});
  write_checkpoint("other.safetensors", {{"model", "mlp-16-2"}, {"input", "28,28,1"}});
  expect_failure(measure("other.safetensors"), 1, {file("other.safetensors"), "28,28,1"});

  const std::string binary = testing::program("rho-measure");
  const auto with_data = [&](const std::string& data) {
    return testing::run({binary, "--checkpoint", file("named.safetensors"), "--data", data});
  };
  expect_failure(with_data("csv:" + file("none")), 1, {file("none")});
  expect_failure(with_data("cifar11:" + file("csv")), 1, {"cifar11"});
  fs::create_directories(directory_ / "bad");
  std::ofstream(file("bad/train.csv")) << "a,label\n1,0\nx,1\n";
  std::ofstream(file("bad/test.csv")) << "a,label\n1,0\n";
  expect_failure(with_data("csv:" + file("bad")), 1, {file("bad/train.csv")});
}

TEST_F(RhoMeasureTest, AFailureLeavesOldFilesAlone) {
  std::ofstream(file("out.json")) << "old";
  expect_failure(measure("none.safetensors", {"--json", file("out.json")}), 1, {"none"});
  EXPECT_EQ(content("out.json"), "old");
}

}  // namespace
}  // namespace rho
