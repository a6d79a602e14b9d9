// rho-train as a user runs it: what it writes, how it fails, and that a killed run loses nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "nn/safetensors.h"
#include "tensor/random.h"
#include "tests/support/clouds.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Arguments;

std::vector<json> records(const fs::path& directory) {
  std::ifstream in(directory / "metrics.jsonl");
  std::vector<json> out;
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

void write_big_endian(std::ofstream& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(value >> shift & 0xff));
}

// Random 12 x 12 images with a bright spot that tells the class, of ten.
void write_idx(const fs::path& directory, const std::string& part, int images, std::uint64_t seed) {
  constexpr int kSide = 12;
  std::ofstream pixels(directory / (part + "-images-idx3-ubyte"), std::ios::binary);
  std::ofstream labels(directory / (part + "-labels-idx1-ubyte"), std::ios::binary);
  const auto count = static_cast<std::uint32_t>(images);
  for (const std::uint32_t value : {0x803U, count, 12U, 12U}) write_big_endian(pixels, value);
  for (const std::uint32_t value : {0x801U, count}) write_big_endian(labels, value);
  Rng rng(seed);
  for (int i = 0; i < images; ++i) {
    const int label = i % 10;
    labels.put(static_cast<char>(label));
    for (int p = 0; p < kSide * kSide; ++p) {
      const bool spot = p / kSide == 2 + label / 2 && p % kSide > label % 2 * 6 && p % 6 > 2;
      pixels.put(static_cast<char>(spot ? 200 + rng.below(56) : rng.below(100)));
    }
  }
}

class RhoTrainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(directory_ / "csv");
    fs::create_directories(directory_ / "idx");
    testing::write_clouds(directory_ / "csv/train.csv", 60, 1);
    testing::write_clouds(directory_ / "csv/test.csv", 30, 2);
    write_idx(directory_ / "idx", "train", 40, 3);
    write_idx(directory_ / "idx", "t10k", 20, 4);
  }

  fs::path out(const std::string& name = "out") const { return directory_ / name; }

  Arguments command(const Arguments& options) const {
    Arguments all{testing::program("rho-train")};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }
  // The common options of a small run on the table, then `more`.
  Arguments on_csv(const std::string& name, const Arguments& more = {}) const {
    Arguments options{"--model",   "mlp-16-2", "--data",  "csv:" + (directory_ / "csv").string(),
                      "--epochs",  "3",        "--batch", "16",
                      "--lr",      "0.1",      "--out",   out(name).string(),
                      "--threads", "2"};
    options.insert(options.end(), more.begin(), more.end());
    return command(options);
  }
  Arguments on_idx(const std::string& name, const Arguments& more = {}) const {
    Arguments options{"--model",   "convnet3-34",
                      "--data",    "mnist:" + (directory_ / "idx").string(),
                      "--epochs",  "3",
                      "--batch",   "8",
                      "--lr",      "0.01",
                      "--out",     out(name).string(),
                      "--threads", "2"};
    options.insert(options.end(), more.begin(), more.end());
    return command(options);
  }

  static void expect_success(const testing::Finished& finished) {
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.err, "");
  }
  // Exactly one line on stderr, that begins with the program's name and says `expected`.
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::string& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(finished.err.starts_with("rho-train: ")) << finished.err;
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_NE(finished.err.find(expected), std::string::npos) << finished.err;
  }

  // Two runs ended alike: the same files, byte for byte, but for the times in metrics.jsonl.
  void expect_same_run(const std::string& a, const std::string& b) const {
    std::set<std::string> names_a, names_b;
    for (const auto& file : fs::directory_iterator(out(a))) names_a.insert(file.path().filename());
    for (const auto& file : fs::directory_iterator(out(b))) names_b.insert(file.path().filename());
    EXPECT_EQ(names_a, names_b);
    for (const std::string& name : names_a) {
      if (name == "metrics.jsonl") continue;
      EXPECT_TRUE(testing::read_text(out(a) / name) == testing::read_text(out(b) / name))
          << name << " differs";
    }
    std::vector<json> records_a = records(out(a)), records_b = records(out(b));
    ASSERT_EQ(records_a.size(), records_b.size());
    for (std::size_t i = 0; i < records_a.size(); ++i) {
      for (json* record : {&records_a[i], &records_b[i]})
        for (const char* time : {"img_per_s", "seconds"}) record->erase(time);
      EXPECT_EQ(records_a[i], records_b[i]);
    }
  }

  // Kills the run at the moments below, one after the other, resuming every time; it must end like
  // one that was left alone.
  void expect_kills_change_nothing(const std::function<Arguments(const std::string&)>& make) const {
    expect_success(testing::run(make("whole")));
    Arguments killed = make("killed");
    killed.push_back("--resume");
    const fs::path at = out("killed");
    const auto exists = [at](const char* name) { return [=] { return fs::exists(at / name); }; };
    const auto lines = [at](std::size_t count) {
      return [=] {
        const std::string text = testing::read_text(at / "metrics.jsonl");
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= count;
      };
    };
    // The checkpoint is another one than when the attempt began.
    const auto checkpointed = [at] {
      return [at, before = std::optional<std::string>()]() mutable {
        const std::string now = testing::read_text(at / "last.safetensors");
        if (!before) before = now;
        return now != *before;
      };
    };
    const std::vector<std::function<bool()>> moments{
        exists("config.json"),              // before anything is trained
        exists("state-1.safetensors.tmp"),  // while the state is written
        exists("state-1.safetensors"),      // the state is there, the record is not
        lines(1),                           // the record is there, the checkpoint is not
        checkpointed(),                     // the first checkpoint is there
        exists("state-2.safetensors.tmp"),
        exists("state-2.safetensors"),
        lines(2),
        checkpointed(),
        exists("state-3.safetensors"),
        lines(3)};
    int kills = 0;
    for (const auto& moment : moments) kills += testing::run_and_kill(killed, moment);
    EXPECT_GE(kills, 4);
    expect_success(testing::run(killed));
    expect_same_run("whole", "killed");
  }

  testing::TemporaryFolder temporary_;
  const fs::path directory_ = temporary_.path();
};

TEST_F(RhoTrainTest, WritesMetricsCheckpointAndConfig) {
  const testing::Finished finished = testing::run(
      on_csv("out", {"--momentum", "0.9", "--epochs", "4", "--schedule", "step:2:0.5"}));
  expect_success(finished);
  EXPECT_NE(finished.out.find("epoch 4/4"), std::string::npos) << finished.out;

  const std::vector<json> metrics = records(out());
  ASSERT_EQ(metrics.size(), 4U);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i]["epoch"], i + 1);
    EXPECT_DOUBLE_EQ(metrics[i]["lr"].get<double>(), i < 2 ? 0.1 : 0.05);
    for (const char* key : {"train_loss", "train_error", "test_loss", "test_error", "log_rho",
                            "train_normalized_cross_entropy", "test_normalized_cross_entropy",
                            "min_margin", "min_normalized_margin", "train_mean_centred_margin",
                            "test_mean_centred_margin", "img_per_s", "seconds"})
      EXPECT_TRUE(metrics[i].contains(key) && std::isfinite(metrics[i][key].get<double>())) << key;
    EXPECT_EQ(metrics[i]["objective"], metrics[i]["train_loss"]);
    EXPECT_NEAR(
        metrics[i]["min_normalized_margin"].get<double>(),
        metrics[i]["min_margin"].get<double>() * std::exp(-metrics[i]["log_rho"].get<double>()),
        1e-12);
    // To first order in the normalized network, whose outputs are far below 1 here.
    EXPECT_NEAR(metrics[i]["train_mean_centred_margin"].get<double>(),
                -metrics[i]["train_normalized_cross_entropy_minus_log_classes"].get<double>(),
                1e-2);
  }
  EXPECT_LT(metrics[3]["train_loss"].get<double>(), metrics[0]["train_loss"].get<double>());
  EXPECT_LT(metrics[3]["train_error"].get<double>(), 0.3);

  const nn::TensorFile last = nn::read_safetensors((out() / "last.safetensors").string());
  const auto& metadata = last.metadata;
  EXPECT_EQ(metadata.at("model"), "mlp-16-2");
  EXPECT_EQ(metadata.at("classes"), "3");
  EXPECT_EQ(metadata.at("input"), "4");
  EXPECT_EQ(metadata.at("epoch"), "4");
  EXPECT_EQ(metadata.at("precision"), "f32");
  EXPECT_EQ(metadata.at("state"), "state-4.safetensors");
  for (const char* key : {"data", "standardization.mean", "standardization.std", "rho_version"})
    EXPECT_TRUE(metadata.contains(key)) << key;
  EXPECT_FALSE(last.tensors.empty());
  EXPECT_TRUE(fs::exists(out() / "state-4.safetensors"));
  EXPECT_FALSE(fs::exists(out() / "state-3.safetensors"));

  const json config = json::parse(testing::read_text(out() / "config.json"));
  EXPECT_EQ(config["model"], "mlp-16-2");
  EXPECT_EQ(config["momentum"], 0.9);
  EXPECT_EQ(config["schedule"], "step:2:0.5");
}

TEST_F(RhoTrainTest, SameSeedSameBits) {
  expect_success(testing::run(on_csv("a", {"--seed", "5"})));
  expect_success(testing::run(on_csv("b", {"--seed", "5"})));
  expect_success(testing::run(on_csv("c", {"--seed", "6"})));
  expect_same_run("a", "b");
  EXPECT_FALSE(testing::read_text(out("a") / "last.safetensors") ==
               testing::read_text(out("c") / "last.safetensors"));
}

TEST_F(RhoTrainTest, CorruptedLabelsAndSubsetsAreRecorded) {
  expect_success(testing::run(
      on_csv("out", {"--corrupt", "0.5", "--corrupt-test", "1", "--corrupt-mode", "uniform-others",
                     "--subset", "40", "--subset-mode", "random", "--epochs", "1"})));
  const json train = json::parse(testing::read_text(out() / "corrupted-train.json"));
  EXPECT_EQ(train["mode"], "uniform-others");
  EXPECT_EQ(train["indices"].size(), 20U);
  for (const json& index : train["indices"]) EXPECT_LT(index.get<int>(), 40);
  EXPECT_EQ(json::parse(testing::read_text(out() / "corrupted-test.json"))["indices"].size(), 30U);
}

TEST_F(RhoTrainTest, TheTestSplitHasASubsetOfItsOwn) {
  const testing::Finished finished = testing::run(
      on_csv("random", {"--subset-test", "20", "--subset-mode", "random", "--corrupt-test", "1"}));
  expect_success(finished);
  EXPECT_NE(finished.out.find("60 training and 20 test examples"), std::string::npos)
      << finished.out;
  EXPECT_EQ(
      json::parse(testing::read_text(out("random") / "corrupted-test.json"))["indices"].size(),
      20U);
  expect_success(testing::run(on_csv("first", {"--subset-test", "20"})));
  expect_success(testing::run(on_csv("all")));
  // What is trained does not depend on what it is tested on.
  const json first = records(out("first")).back(), all = records(out("all")).back();
  EXPECT_EQ(first["train_loss"], all["train_loss"]);
  EXPECT_NE(first["test_loss"], all["test_loss"]);
}

TEST_F(RhoTrainTest, PixelsAreChanged) {
  std::set<double> losses;
  for (const char* const mode : {"natural", "shuffled", "random", "gaussian"}) {
    SCOPED_TRACE(mode);
    expect_success(testing::run(on_idx(mode, {"--pixels", mode})));
    losses.insert(records(out(mode)).back()["train_loss"].get<double>());
  }
  EXPECT_EQ(losses.size(), 4U);
  expect_success(testing::run(on_csv("table", {"--pixels", "random"})));
}

TEST_F(RhoTrainTest, KilledRunsOnNoise) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_idx(name, {"--pixels", "gaussian", "--corrupt", "1"});
  });
}

TEST_F(RhoTrainTest, ASecondPhaseStartsFromACheckpoint) {
  expect_success(testing::run(on_csv("first", {"--corrupt", "1", "--seed", "7"})));
  const std::string start = (out("first") / "last.safetensors").string();
  // A step too small to move a float32: what comes out is what went in.
  const Arguments still{"--start", start, "--lr", "1e-30", "--epochs", "1"};
  expect_success(testing::run(on_csv("still", still)));
  const nn::TensorFile before = nn::read_safetensors(start);
  const nn::TensorFile after = nn::read_safetensors((out("still") / "last.safetensors").string());
  ASSERT_EQ(before.tensors.size(), after.tensors.size());
  for (std::size_t i = 0; i < before.tensors.size(); ++i) {
    EXPECT_EQ(before.tensors[i].first, after.tensors[i].first);
    EXPECT_EQ(before.tensors[i].second.to_vector<float>(),
              after.tensors[i].second.to_vector<float>());
  }
  EXPECT_EQ(json::parse(testing::read_text(out("still") / "config.json"))["start"], start);
}

TEST_F(RhoTrainTest, ASecondPhaseOnTheSphereKeepsTheNorms) {
  expect_success(testing::run(on_csv("first")));
  const std::string start = (out("first") / "last.safetensors").string();
  expect_success(testing::run(on_csv("second", {"--start", start, "--optimizer", "tangent-gradient",
                                                "--rho", "fixed", "--lr", "0.001"})));
  EXPECT_NEAR(records(out("first")).back()["log_rho"].get<double>(),
              records(out("second")).back()["log_rho"].get<double>(), 1e-5);
}

TEST_F(RhoTrainTest, KilledSecondPhases) {
  expect_success(testing::run(on_csv("first", {"--corrupt", "1"})));
  const std::string start = (out("first") / "last.safetensors").string();
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--start", start, "--momentum", "0.9"});
  });
}

TEST_F(RhoTrainTest, AResumedPhaseDoesNotReadItsStartAgain) {
  expect_success(testing::run(on_csv("first")));
  const std::string start = (directory_ / "start.safetensors").string();
  fs::copy(out("first") / "last.safetensors", start);
  expect_success(testing::run(on_csv("whole", {"--start", start, "--epochs", "2"})));
  expect_success(testing::run(on_csv("parts", {"--start", start, "--epochs", "1"})));
  fs::remove(start);
  expect_success(
      testing::run(command({"--resume", "--epochs", "2", "--out", out("parts").string()})));
  expect_same_run("whole", "parts");
}

TEST_F(RhoTrainTest, AStartThatDoesNotFit) {
  const std::string absent = (directory_ / "absent.safetensors").string();
  expect_failure(testing::run(on_csv("out", {"--start", absent})), 1, absent);
  expect_success(testing::run(on_csv("first")));
  const std::string start = (out("first") / "last.safetensors").string();
  expect_failure(testing::run(on_csv("out", {"--start", start, "--model", "mlp-17-2"})), 1, start);
  expect_failure(testing::run(on_csv("out", {"--start", start, "--model", "mlp-16-3"})), 1, start);
  expect_failure(testing::run(on_csv("out", {"--start", start, "--init", "he"})), 2, "--init");
  expect_failure(testing::run(on_csv("out", {"--start", start, "--init-std", "0.1"})), 2,
                 "--init-std");
  expect_failure(testing::run(on_csv("first", {"--resume", "--start", start})), 1, "--start");
  // None of these was a run.
  expect_success(testing::run(on_csv("out", {"--start", start})));
}

TEST_F(RhoTrainTest, StopsAfterTheFirstEpochThatMeetsARule) {
  expect_success(testing::run(on_csv("whole", {"--epochs", "6"})));
  const std::vector<json> whole = records(out("whole"));
  const std::string loss = "train-loss:" + whole[2]["train_loss"].dump();
  const testing::Finished finished =
      testing::run(on_csv("out", {"--epochs", "6", "--stop", "train-error:0," + loss}));
  expect_success(finished);
  EXPECT_NE(finished.out.find("complete after epoch 3: " + loss), std::string::npos)
      << finished.out;
  const std::vector<json> metrics = records(out());
  ASSERT_EQ(metrics.size(), 3U);
  EXPECT_EQ(metrics[2]["train_loss"], whole[2]["train_loss"]);

  // Nothing is left to do, and nothing changes: not even the data are looked at.
  fs::rename(directory_ / "csv", directory_ / "moved");
  fs::copy(out(), out("before"));
  const testing::Finished again = testing::run(command({"--resume", "--out", out().string()}));
  expect_success(again);
  EXPECT_NE(again.out.find("complete after epoch 3: " + loss), std::string::npos) << again.out;
  expect_same_run("before", "out");
  fs::rename(directory_ / "moved", directory_ / "csv");

  // It may go on under another rule, as if that had been the one.
  expect_success(
      testing::run(command({"--resume", "--stop", "train-loss:0", "--out", out().string()})));
  EXPECT_EQ(records(out()).size(), 6U);
}

TEST_F(RhoTrainTest, AResumedRunStopsWhereTheWholeOneDoes) {
  const Arguments stop{"--epochs", "6", "--stop", "train-error:1"};
  expect_success(testing::run(on_csv("whole", stop)));
  EXPECT_EQ(records(out("whole")).size(), 1U);
  Arguments killed = on_csv("killed", stop);
  killed.push_back("--resume");
  testing::run_and_kill(killed, [&] { return fs::exists(out("killed") / "state-1.safetensors"); });
  expect_success(testing::run(killed));
  expect_same_run("whole", "killed");
}

std::int64_t nearest_epoch(const std::vector<json>& metrics, double loss) {
  const auto distance = [&](const json& record) {
    return std::abs(record["train_loss"].get<double>() - loss);
  };
  const auto nearest =
      std::min_element(metrics.begin(), metrics.end(),
                       [&](const json& a, const json& b) { return distance(a) < distance(b); });
  return (*nearest)["epoch"];
}

TEST_F(RhoTrainTest, TheSnapshotIsTheEpochOfTheNearestLoss) {
  for (const char* const loss : {"100", "0.5", "1e-9"}) {
    SCOPED_TRACE(loss);
    const std::string name = std::string("out") + loss;
    expect_success(testing::run(on_csv(name, {"--epochs", "4", "--snapshot", loss})));
    const std::int64_t nearest = nearest_epoch(records(out(name)), std::stod(loss));
    const nn::TensorFile snapshot =
        nn::read_safetensors((out(name) / "snapshot.safetensors").string());
    EXPECT_EQ(snapshot.metadata.at("epoch"), std::to_string(nearest));
    EXPECT_EQ(snapshot.metadata.at("model"), "mlp-16-2");
    EXPECT_FALSE(snapshot.metadata.contains("state"));
    // The network that a run of so many epochs ends with.
    const std::string shorter = name + "-shorter";
    expect_success(testing::run(on_csv(shorter, {"--epochs", std::to_string(nearest)})));
    const nn::TensorFile last = nn::read_safetensors((out(shorter) / "last.safetensors").string());
    ASSERT_EQ(snapshot.tensors.size(), last.tensors.size());
    for (std::size_t i = 0; i < last.tensors.size(); ++i)
      EXPECT_EQ(snapshot.tensors[i].second.to_vector<float>(),
                last.tensors[i].second.to_vector<float>());
    EXPECT_FALSE(fs::exists(out(shorter) / "snapshot.safetensors"));
  }
}

TEST_F(RhoTrainTest, KilledRunsWithASnapshot) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--momentum", "0.9", "--snapshot", "1e-9"});
  });
}

// A crash after last.safetensors and before the snapshot, and one in the middle of writing it.
TEST_F(RhoTrainTest, ASnapshotThatACrashPreventedIsMadeUpFor) {
  const auto run_of = [&](const std::string& name, const char* epochs) {
    expect_success(testing::run(on_csv(name, {"--epochs", epochs, "--snapshot", "1e-9"})));
  };
  run_of("two", "2");
  const nn::TensorFile two = nn::read_safetensors((out("two") / "snapshot.safetensors").string());
  ASSERT_EQ(two.metadata.at("epoch"), "2");  // the loss falls
  run_of("one", "1");
  for (const char* const older : {"none", "one"}) {
    SCOPED_TRACE(older);
    const std::string name = std::string("crashed-") + older;
    fs::copy(out("two"), out(name));
    fs::remove(out(name) / "snapshot.safetensors");
    if (older == std::string("one"))
      fs::copy(out("one") / "snapshot.safetensors", out(name) / "snapshot.safetensors");
    expect_success(testing::run(command({"--resume", "--out", out(name).string()})));
    expect_same_run("two", name);
  }
}

TEST_F(RhoTrainTest, OtherLossesPrecisionsInitsAndNorms) {
  const std::vector<Arguments> variants{
      {"--loss", "square", "--lr", "0.01"},
      {"--loss", "exponential", "--lr", "0.01"},
      {"--precision", "f64", "--norm", "1"},
      {"--norm", "inf", "--init", "orthogonal"},
      {"--init-std", "0.05"},
      {"--init", "glorot", "--nesterov", "--momentum", "0.5", "--weight-decay", "0.001"},
      {"--optimizer", "tangent-gradient", "--rho", "log:0.5", "--retract-every", "2", "--lr",
       "0.002"},
      {"--optimizer", "lagrange-multiplier", "--lr", "0.002"},
      {"--optimizer", "coefficient-normalization", "--norm-per", "channel", "--lr", "0.002"},
      {"--optimizer", "true-gradient", "--rho", "margin:1", "--lr", "0.002"},
      {"--optimizer", "weight-normalization", "--lr", "0.002"},
      {"--optimizer", "polar-gradient"},
      {"--optimizer", "langevin", "--temperature", "1e-6"},
      {"--model", "mlp-16-2-wn-layer", "--optimizer", "adam", "--lr", "0.01"}};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const std::string name = "out" + std::to_string(i);
    SCOPED_TRACE(name);
    expect_success(testing::run(on_csv(name, variants[i])));
    const std::vector<json> metrics = records(out(name));
    ASSERT_EQ(metrics.size(), 3U);
    EXPECT_LT(metrics[2]["objective"].get<double>(), metrics[0]["objective"].get<double>());
    EXPECT_EQ(metrics[2]["objective"] == metrics[2]["train_loss"], i >= 2);
  }
  const nn::TensorFile f64 = nn::read_safetensors((out("out2") / "last.safetensors").string());
  EXPECT_EQ(f64.tensors[0].second.dtype(), DType::Float64);
}

TEST_F(RhoTrainTest, ARunInDoublePrecisionGoesOnInIt) {
  const auto f64 = [&](const std::string& name, const std::string& epochs) {
    return on_csv(name, {"--precision", "f64", "--momentum", "0.9", "--epochs", epochs});
  };
  expect_success(testing::run(f64("whole", "3")));
  expect_success(testing::run(f64("parts", "1")));
  expect_success(
      testing::run(command({"--resume", "--epochs", "3", "--out", out("parts").string()})));
  expect_same_run("whole", "parts");
}

TEST_F(RhoTrainTest, KilledRunsOnATable) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--momentum", "0.9"});
  });
}

TEST_F(RhoTrainTest, KilledRunsWithAdam) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--optimizer", "adam", "--lr", "0.01", "--schedule", "cosine:3"});
  });
}

TEST_F(RhoTrainTest, KilledRunsWithTangentGradient) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--optimizer", "tangent-gradient", "--momentum", "0.9", "--lr", "0.01",
                         "--rho-lr", "0.001", "--retract-every", "3", "--audit"});
  });
}

TEST_F(RhoTrainTest, KilledRunsWithNoise) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--optimizer", "langevin", "--temperature", "1e-5", "--audit"});
  });
}

TEST_F(RhoTrainTest, TheAuditHasALineAStep) {
  for (const char* const optimizer : {"tangent-gradient", "sgd"}) {
    SCOPED_TRACE(optimizer);
    expect_success(
        testing::run(on_csv(optimizer, {"--optimizer", optimizer, "--lr", "0.002", "--audit"})));
    std::ifstream in(out(optimizer) / "audit.jsonl");
    int step = 0;
    for (std::string line; std::getline(in, line);) {
      const json record = json::parse(line);
      EXPECT_EQ(record["step"], ++step);
      EXPECT_EQ(record["epoch"], (step - 1) / 4 + 1);  // 60 examples, 16 a step
      ASSERT_EQ(record["layers"].size(), 3U);
      for (const json& layer : record["layers"]) {
        EXPECT_GT(layer["rho"].get<double>(), 0.0);
        EXPECT_LT(layer["norm_deviation"].get<double>(), 1e-6);
        // Steps of 1e-3 of V in float32; nothing keeps plain descent tangent.
        EXPECT_LT(layer["tangency"].get<double>(),
                  optimizer == std::string("tangent-gradient") ? 1e-3 : 1.0);
      }
    }
    EXPECT_EQ(step, 12);
    const json norms = records(out(optimizer)).back()["layer_norms"];
    EXPECT_EQ(norms.size(), 3U);
  }
}

TEST_F(RhoTrainTest, AProfileChangesNothingElse) {
  const Arguments methods[] = {
      {"--momentum", "0.9"},
      {"--optimizer", "tangent-gradient", "--rho", "margin:1", "--lr", "0.002", "--audit"}};
  for (const Arguments& method : methods) {
    const std::string plain = "plain" + method.back(), profiled = "profiled" + method.back();
    SCOPED_TRACE(profiled);
    expect_success(testing::run(on_idx(plain, method)));
    Arguments with = method;
    with.push_back("--profile");
    const testing::Finished finished = testing::run(on_idx(profiled, with));
    expect_success(finished);

    const std::string table = testing::read_text(out(profiled) / "profile.txt");
    EXPECT_NE(finished.out.find(table), std::string::npos) << finished.out;
    for (const char* text : {"mean of 10 steps", "forward", "backward", "optimizer", "conv2d",
                             "conv2d_weight_grad", "conv1", "fc"})
      EXPECT_NE(table.find(text), std::string::npos) << text << " is not in\n" << table;
    const json trace = json::parse(testing::read_text(out(profiled) / "profile.json"));
    int steps = 0;
    for (const json& event : trace["traceEvents"]) steps += event.value("cat", "") == "step";
    EXPECT_EQ(steps, 10);

    for (const char* name : {"profile.txt", "profile.json"}) fs::remove(out(profiled) / name);
    expect_same_run(plain, profiled);
  }
}

TEST_F(RhoTrainTest, AProfileOfAShortOrResumedRun) {
  // 12 steps in 3 epochs: 9 are left after the warm-up.
  expect_success(testing::run(on_csv("out", {"--profile"})));
  EXPECT_TRUE(testing::read_text(out() / "profile.txt").starts_with("mean of 9 steps"));
  // 4 more: the last one.
  expect_success(testing::run(on_csv("out", {"--resume", "--epochs", "4", "--profile"})));
  EXPECT_TRUE(testing::read_text(out() / "profile.txt").starts_with("mean of 1 step "));

  expect_failure(testing::run(on_csv("out", {"--resume", "--epochs", "4", "--profile"})), 1,
                 "this run has 0");
  expect_failure(testing::run(on_csv("short", {"--epochs", "1", "--batch", "30", "--profile"})), 1,
                 "this run has 2");
  fs::create_directories(out("folder") / "profile.json");
  expect_failure(testing::run(on_csv("folder", {"--profile"})), 1, "profile.json is a folder");
  std::ofstream(directory_ / "file") << "x";
  expect_failure(testing::run(on_csv("file", {"--profile"})), 1, (directory_ / "file").string());
}

TEST_F(RhoTrainTest, StepsThatAreNotFiniteAreSkippedWhenAsked) {
  const Arguments overflow{"--loss", "exponential", "--init-std", "30", "--lr", "1e-30"};
  expect_failure(testing::run(on_csv("stops", overflow)), 1, "not finite");
  Arguments skip = overflow;
  skip.insert(skip.end(), {"--nonfinite", "skip"});
  expect_success(testing::run(on_csv("skips", skip)));
  EXPECT_EQ(records(out("skips")).back()["skipped_steps"], 12);
}

TEST_F(RhoTrainTest, KilledRunsWithWeightNorm) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_csv(name, {"--model", "mlp-16-2-wn", "--momentum", "0.9"});
  });
}

TEST_F(RhoTrainTest, KilledRunsWithAugmentation) {
  expect_kills_change_nothing([&](const std::string& name) {
    return on_idx(name, {"--augment", "--momentum", "0.9", "--corrupt", "0.2"});
  });
}

// Each state that the steps of saving an epoch can be cut off in, made by hand.
TEST_F(RhoTrainTest, ResumesFromEveryHalfSavedEpoch) {
  expect_success(testing::run(on_csv("two", {"--epochs", "2", "--momentum", "0.9"})));
  fs::copy(out("two"), out("three"));
  expect_success(
      testing::run(command({"--resume", "--epochs", "3", "--out", out("three").string()})));
  expect_success(testing::run(on_csv("whole", {"--epochs", "3", "--momentum", "0.9"})));
  expect_same_run("whole", "three");

  for (int step = 0; step < 4; ++step) {
    const std::string name = "crashed" + std::to_string(step);
    SCOPED_TRACE(name);
    const fs::path at = out(name);
    fs::copy(out("two"), at);
    if (step == 0) std::ofstream(at / "state-3.safetensors.tmp") << "half";
    if (step >= 1) fs::copy(out("whole") / "state-3.safetensors", at);
    const std::string metrics = testing::read_text(out("whole") / "metrics.jsonl");
    if (step == 2) std::ofstream(at / "metrics.jsonl") << metrics.substr(0, metrics.size() - 9);
    if (step == 3) {
      std::ofstream(at / "metrics.jsonl") << metrics;
      std::ofstream(at / "last.safetensors.tmp") << "half";
    }
    expect_success(testing::run(command({"--resume", "--epochs", "3", "--out", at.string()})));
    expect_same_run("whole", name);
  }
  // Nothing is left to do, and nothing changes.
  expect_success(testing::run(command({"--resume", "--out", out("three").string()})));
  expect_same_run("whole", "three");
}

TEST_F(RhoTrainTest, RefusesToOverwriteOrMixRuns) {
  expect_success(testing::run(on_csv("out")));
  const std::string last = testing::read_text(out() / "last.safetensors");
  expect_failure(testing::run(on_csv("out")), 1, "already holds a run");
  expect_failure(testing::run(on_csv("out", {"--resume", "--lr", "0.2"})), 1, "--lr");
  expect_failure(testing::run(on_csv("out", {"--resume", "--momentum", "0.5"})), 1, "--momentum");
  expect_failure(testing::run(on_csv("out", {"--resume", "--epochs", "2"})), 1,
                 "already has 3 epochs");
  testing::write_clouds(directory_ / "csv/train.csv", 60, 9);
  expect_failure(testing::run(on_csv("out", {"--resume", "--epochs", "4"})), 1, "standardization");
  EXPECT_TRUE(testing::read_text(out() / "last.safetensors") == last);

  const int lock = ::open(out().c_str(), O_RDONLY);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  expect_failure(testing::run(on_csv("out", {"--resume"})), 1, "in use");
  ::close(lock);

  fs::remove(out() / "state-3.safetensors");
  expect_failure(testing::run(on_csv("out", {"--resume"})), 1, "state-3.safetensors");
  std::ofstream(out() / "last.safetensors") << "damaged";
  expect_failure(testing::run(on_csv("out", {"--resume"})), 1, "last.safetensors");
}

TEST_F(RhoTrainTest, DivergenceKeepsTheLastCheckpoint) {
  expect_failure(testing::run(on_csv("first", {"--lr", "1e30"})), 1, "diverged in epoch 1");
  EXPECT_FALSE(fs::exists(out("first") / "last.safetensors"));
  // A folder without a checkpoint has nothing to lose: the next try may use it.
  expect_success(testing::run(on_csv("first")));

  expect_failure(testing::run(on_csv("second", {"--schedule", "step:1:1e30"})), 1,
                 "diverged in epoch 2");
  const nn::TensorFile last = nn::read_safetensors((out("second") / "last.safetensors").string());
  EXPECT_EQ(last.metadata.at("epoch"), "1");
  EXPECT_EQ(records(out("second")).size(), 1U);
}

TEST_F(RhoTrainTest, AFullDiskKeepsTheLastCheckpoint) {
  const auto limited = [](Arguments arguments) {
    // No file may grow beyond 1 KiB, and the attempt is an error instead of a signal.
    std::string line = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    arguments.insert(arguments.begin(), {"/bin/bash", "-c", line, "bash"});
    return arguments;
  };
  expect_success(testing::run(on_csv("out", {"--epochs", "1"})));
  const std::string last = testing::read_text(out() / "last.safetensors");
  expect_failure(testing::run(limited(on_csv("out", {"--resume", "--epochs", "2"}))), 1,
                 out().string() + "/");
  EXPECT_TRUE(testing::read_text(out() / "last.safetensors") == last);
  expect_success(testing::run(on_csv("out", {"--resume", "--epochs", "2"})));
  expect_success(testing::run(on_csv("whole", {"--epochs", "2"})));
  expect_same_run("whole", "out");
}

TEST_F(RhoTrainTest, WrongCommandLinesExitWith2) {
  expect_failure(testing::run(on_csv("out", {"--bogus", "1"})), 2, "--bogus");
  expect_failure(testing::run(on_csv("out", {"--lr", "fast"})), 2, "--lr");
  expect_failure(testing::run(on_csv("out", {"--lr", "-1"})), 2, "--lr");
  expect_failure(
      testing::run(on_csv("out", {"--model", "linear-wn", "--optimizer", "tangent-gradient"})), 2,
      "no plain weight");
  expect_failure(testing::run(on_csv("out", {"--epochs", "0"})), 2, "--epochs");
  expect_failure(testing::run(on_csv("out", {"--schedule", "sometimes"})), 2, "--schedule");
  for (const char* const rule : {"sometimes", "train-error", "train-error:-1", "train-error:x",
                                 "test-error:0", "train-error:0,"})
    expect_failure(testing::run(on_csv("out", {"--stop", rule})), 2, "--stop");
  expect_failure(testing::run(on_csv("out", {"--snapshot", "-1"})), 2, "--snapshot");
  expect_failure(testing::run(on_csv("out", {"--subset-test", "-1"})), 2, "--subset-test");
  expect_failure(testing::run(on_csv("out", {"--pixels", "some"})), 2, "--pixels");
  expect_failure(testing::run(on_csv("out", {"--corrupt", "1.5"})), 2, "--corrupt");
  expect_failure(testing::run(on_csv("out", {"--corrupt-mode", "some"})), 2, "--corrupt-mode");
  expect_failure(testing::run(on_csv("out", {"--precision", "f16"})), 2, "--precision");
  for (const std::string precision : {"tf32", "bf16"})
    expect_failure(testing::run(on_csv("out", {"--precision", precision})), 2,
                   precision + " is for CUDA devices");
  expect_failure(testing::run(on_csv("out", {"--provider", "cublas"})), 2, "--provider");
  expect_failure(testing::run(on_csv("out", {"--provider", "nvidia"})), 2,
                 "nvidia is for CUDA devices");
  expect_failure(testing::run(on_csv("out", {"--norm", "0.5"})), 2, "--norm");
  expect_failure(testing::run(on_csv("out", {"--init", "normal"})), 2, "--init-std");
  expect_failure(testing::run(on_csv("out", {"--init", "he", "--init-std", "1"})), 2, "--init-std");
  expect_failure(testing::run(command({"--model", "mlp-16-2"})), 2, "--out");
  expect_failure(testing::run(command({"--out", out().string()})), 2, "--model");
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(RhoTrainTest, WrongInputsExitWith1) {
  const std::string absent = (directory_ / "absent").string();
  expect_failure(testing::run(on_csv("out", {"--data", "csv:" + absent})), 1, absent);
  expect_failure(testing::run(on_csv("out", {"--data", "imaginary"})), 1, "imaginary");
  expect_failure(testing::run(on_csv("out", {"--model", "imaginary"})), 1, "imaginary");
  expect_failure(testing::run(on_csv("out", {"--optimizer", "imaginary"})), 1, "imaginary");
  expect_failure(testing::run(on_csv("out", {"--subset", "1000"})), 1, "1000");
  expect_failure(testing::run(on_csv("out", {"--subset-test", "1000"})), 1, "1000");
  expect_failure(testing::run(on_csv("out", {"--augment"})), 1, "augment");
  // None of these was a run.
  expect_success(testing::run(on_csv("out")));
  std::ofstream(directory_ / "file") << "x";
  expect_failure(testing::run(on_csv("file")), 1, (directory_ / "file").string());
}

TEST_F(RhoTrainTest, HelpIsComplete) {
  const testing::Finished finished = testing::run(command({"--help"}));
  expect_success(finished);
  for (const char* text :
       {"--model", "--data", "--optimizer", "--schedule", "--corrupt-mode", "--resume", "--profile",
        "Examples:", "fashion-mnist", "tangent-gradient"})
    EXPECT_NE(finished.out.find(text), std::string::npos) << text;
}

}  // namespace
}  // namespace rho
