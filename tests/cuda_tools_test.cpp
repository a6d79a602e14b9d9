// The tools with --device cuda: the numbers of the CPU. Skipped where there is no device.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/provider.h"
#include "tensor/allocator.h"
#include "tests/support/clouds.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using Numbers = nlohmann::json;
using testing::Arguments;

class CudaTools : public ::testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
    std::filesystem::create_directories(folder_.path() / "csv");
    testing::write_clouds(folder_.path() / "csv/train.csv", 60, 1);
    testing::write_clouds(folder_.path() / "csv/test.csv", 30, 2);
  }

  void expect_success(const std::string& name, const Arguments& options) const {
    Arguments command{testing::program(name)};
    command.insert(command.end(), options.begin(), options.end());
    const testing::Finished finished = testing::run(command);
    EXPECT_EQ(finished.code, 0) << finished.err;
  }
  void train(const std::string& out, const std::string& device, const Arguments& more,
             const std::string& precision = "f64") const {
    Arguments options{"--precision", precision, "--batch",         "16",      "--device",
                      device,        "--out",   folder_.file(out), "--resume"};
    options.insert(options.end(), more.begin(), more.end());
    expect_success("rho-train", options);
  }
  Arguments on_csv(const Arguments& more = {}) const {
    Arguments options{"--model", "mlp-16-2", "--data", "csv:" + folder_.file("csv"),
                      "--lr",    "0.01"};
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }

  std::vector<Numbers> epochs(const std::string& run) const {
    std::ifstream in(folder_.path() / run / "metrics.jsonl");
    std::vector<Numbers> out;
    for (std::string line; std::getline(in, line);) out.push_back(Numbers::parse(line));
    return out;
  }

  testing::TemporaryFolder folder_;
};

constexpr const char* kNumbers[] = {"train_loss", "test_loss", "log_rho",
                                    "train_normalized_cross_entropy", "median_normalized_margin"};

// Sums in another order and functions that differ in the last digit: some thousand roundings.
void expect_alike(const Numbers& here, const Numbers& there) {
  for (const char* const name : kNumbers) {
    const double expected = here.at(name), found = there.at(name);
    EXPECT_LE(std::abs(found - expected), 1e-11 * std::max(1.0, std::abs(expected))) << name;
  }
}

TEST_F(CudaTools, TrainsEveryOptimizerLikeTheCpu) {
  const std::vector<Arguments> cases{
      {"--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.01"},
      {"--optimizer", "adam", "--loss", "square"},
      {"--optimizer", "langevin", "--temperature", "0.001"},
      {"--optimizer", "tangent-gradient", "--momentum", "0.9", "--rho-lr", "0.1"},
      {"--optimizer", "tangent-gradient", "--norm-per", "channel", "--rho", "margin:0.5"},
      {"--optimizer", "tangent-gradient", "--norm", "inf", "--rho", "fixed"},
      {"--optimizer", "polar-gradient", "--loss", "exponential"}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i][1] + " " + cases[i].back());
    const std::string run = std::to_string(i);
    for (const std::string device : {"cpu", "cuda"}) {
      Arguments options = on_csv(cases[i]);
      options.insert(options.end(), {"--epochs", "2", "--audit"});
      train(device + run, device, options);
    }
    const std::vector<Numbers> here = epochs("cpu" + run), there = epochs("cuda" + run);
    ASSERT_EQ(here.size(), 2U);
    ASSERT_EQ(there.size(), 2U);
    for (std::size_t e = 0; e < here.size(); ++e) expect_alike(here[e], there[e]);
  }
}

TEST_F(CudaTools, TrainsAndMeasuresAResNetLikeTheCpu) {
  const auto measured = [&](const std::string& run, const std::string& device) {
    const std::string path = folder_.file(run + "-" + device + ".json");
    expect_success("rho-measure", {"--run", folder_.file(run), "--device", device, "--batch", "8",
                                   "--json", path});
    std::ifstream in(path);
    return Numbers::parse(in);
  };
  for (const std::string device : {"cpu", "cuda"})
    train(device, device,
          {"--model", "resnet20", "--data", "fashion-mnist", "--subset", "8", "--subset-test", "4",
           "--epochs", "1", "--momentum", "0.9", "--augment"});
  expect_alike(epochs("cpu")[0], epochs("cuda")[0]);
  const Numbers here = measured("cuda", "cpu"), there = measured("cuda", "cuda");
  EXPECT_NEAR(here.at("log_rho").get<double>(), there.at("log_rho").get<double>(), 1e-11);
}

TEST_F(CudaTools, AResumedRunHasTheSameBits) {
  train("whole", "cuda", on_csv({"--epochs", "3"}));
  train("parts", "cuda", on_csv({"--epochs", "1"}));
  train("parts", "cuda", on_csv({"--epochs", "3"}));
  EXPECT_EQ(testing::read_text(folder_.path() / "whole/last.safetensors"),
            testing::read_text(folder_.path() / "parts/last.safetensors"));
}

// Rounded operands change what training comes to, a little; the rest of a run is that of float32.
TEST_F(CudaTools, TrainsWithRoundedProductsAndMeasuresWithout) {
  const auto trained = [&](const std::string& precision) {
    train(precision, "cuda", on_csv({"--epochs", "3"}), precision);
    const std::vector<Numbers> all = epochs(precision);
    EXPECT_EQ(all.size(), 3U);
    return all.back();
  };
  const double full = trained("f32").at("train_loss");
  for (const std::string precision : {"tf32", "bf16"}) {
    SCOPED_TRACE(precision);
    const double loss = trained(precision).at("train_loss");
    EXPECT_NE(loss, full);
    EXPECT_NEAR(loss, full, 0.02 * full);
    // In parts, the second of which has its precision from the run: the same bits.
    train("parts" + precision, "cuda", on_csv({"--epochs", "1"}), precision);
    expect_success("rho-train",
                   {"--resume", "--epochs", "3", "--out", folder_.file("parts" + precision)});
    EXPECT_EQ(testing::read_text(folder_.path() / precision / "last.safetensors"),
              testing::read_text(folder_.path() / ("parts" + precision) / "last.safetensors"));
    // The loss of the last epoch was that of the same network in float32.
    const std::string path = folder_.file(precision + ".json");
    expect_success("rho-measure", {"--run", folder_.file(precision), "--json", path});
    std::ifstream in(path);
    const Numbers measured = Numbers::parse(in);
    EXPECT_EQ(measured.at("precision"), "f32");
    EXPECT_NEAR(measured.at("train").at("cross_entropy").get<double>(), loss, 1e-6 * loss);
  }
}

// Sums in another order: the numbers of the CPU. In parts, the second of which has its provider
// from the run: the same bits.
TEST_F(CudaTools, TrainsWithAnotherProvidersProducts) {
  for (const char* const library : {"cublas", "cudnn"})
    if (kernels::product_library_version(library).empty()) GTEST_SKIP() << "no " << library;
  const Arguments images{"--model", "convnet5-4",    "--data", "fashion-mnist", "--subset",
                         "40",      "--subset-test", "20",     "--epochs"};
  const auto run = [&](const std::string& out, const std::string& device, const Arguments& more) {
    Arguments options = images;
    options.insert(options.end(), more.begin(), more.end());
    train(out, device, options);
  };
  run("cpu", "cpu", {"2"});
  run("ours", "cuda", {"2"});
  run("whole", "cuda", {"2", "--provider", "nvidia"});
  run("parts", "cuda", {"1", "--provider", "nvidia"});
  expect_success("rho-train", {"--resume", "--epochs", "2", "--out", folder_.file("parts")});
  const std::vector<Numbers> here = epochs("cpu"), there = epochs("whole");
  ASSERT_EQ(there.size(), 2U);
  for (std::size_t e = 0; e < here.size(); ++e) expect_alike(here[e], there[e]);
  EXPECT_EQ(testing::read_text(folder_.path() / "whole/last.safetensors"),
            testing::read_text(folder_.path() / "parts/last.safetensors"));
  EXPECT_NE(testing::read_text(folder_.path() / "whole/last.safetensors"),
            testing::read_text(folder_.path() / "ours/last.safetensors"));
  EXPECT_TRUE(testing::contains(testing::read_text(folder_.path() / "parts/config.json"),
                                "\"provider\": \"nvidia\""));
}

TEST_F(CudaTools, ApproximatesLikeTheCpu) {
  const auto rms_error = [&](const Arguments& options) {
    Arguments command{"--units", "28", "--steps", "20", "--batch", "32", "--test", "200"};
    command.insert(command.end(), {"--json", folder_.file("out.json")});
    command.insert(command.end(), options.begin(), options.end());
    expect_success("rho-approximate", command);
    std::ifstream in(folder_.path() / "out.json");
    return Numbers::parse(in).at("rms_error").get<double>();
  };
  const double expected = rms_error({}), found = rms_error({"--device", "cuda"});
  EXPECT_NEAR(found, expected, 1e-4);  // trained in float32
  const double rounded = rms_error({"--device", "cuda", "--precision", "tf32"});
  EXPECT_NE(rounded, found);
  EXPECT_NEAR(rounded, expected, 1e-2);
  EXPECT_NEAR(rms_error({"--device", "cuda", "--precision", "f64"}),
              rms_error({"--precision", "f64"}), 1e-10);
}

// Networks that are trained side by side in one process, and one after the other by hand.
TEST_F(CudaTools, ASweepTrainsManyNetworksAtOnce) {
  const std::string recipe =
      folder_.write("recipe.toml",
                    "id = \"recipe\"\ntitle = \"t\"\nsource = \"s\"\n[run]\nmodel = \"mlp-8-1\"\n"
                    "data = \"csv:" +
                        folder_.file("csv") +
                        "\"\nlr = 0.1\nbatch = 10\nepochs = 3\n"
                        "[[axis]]\nname = \"seed\"\nvalues = [1, 2, 3, 4, 5]\n"
                        "[[extra]]\nname = \"wrong\"\nmodel = \"mlp-none\"\n"
                        "[scale.tiny]\nnote = \"\"\n");
  const auto sweep = [&](const std::string& out, const std::string& jobs) {
    return testing::run({testing::program("rho-sweep"), recipe, "--scale", "tiny", "--out",
                         folder_.file(out), "--jobs", jobs, "--device", "cuda", "--precision",
                         "bf16"});
  };
  const testing::Finished together = sweep("together", "5"), alone = sweep("alone", "1");
  EXPECT_TRUE(testing::contains(together.err, "rho-sweep: [sweep] 1 of 6 runs failed"));
  EXPECT_EQ(together.code, 1);
  const std::string table = testing::read_text(folder_.path() / "together/results.csv");
  EXPECT_EQ(table, testing::read_text(folder_.path() / "alone/results.csv"));
  EXPECT_TRUE(testing::contains(table, "rho-train: [model] unknown name"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 7);
  EXPECT_TRUE(testing::contains(testing::read_text(folder_.path() / "together/runs/003/train.log"),
                                "cuda:0", "epoch 3/3"));
  EXPECT_TRUE(
      testing::contains(testing::read_text(folder_.path() / "together/runs/003/train/config.json"),
                        "\"precision\": \"bf16\""));
}

TEST_F(CudaTools, AProfileNamesTheKernels) {
  train("profiled", "cuda", on_csv({"--epochs", "1", "--profile"}));
  const std::string table = testing::read_text(folder_.path() / "profiled/profile.txt");
  EXPECT_NE(table.find("matmul"), std::string::npos) << table;
}

}  // namespace
}  // namespace rho
