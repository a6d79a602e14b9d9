// The benchmarks' PyTorch computes what ours does, and says so where there is none.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "bench/peers/pytorch.h"
#include "bench/support/agreement.h"
#include "bench/support/network.h"
#include "tests/support/temporary_folder.h"

namespace rho {
namespace {

using bench::PyTorch;
using bench::Task;
using kernels::ProductPrecision;

// An executable script of the shell, in place of Python.
std::string interpreter(const testing::TemporaryFolder& folder, const std::string& script) {
  const std::string path = folder.write("python", "#!/bin/sh\n" + script + "\n");
  ::chmod(path.c_str(), 0700);
  return path;
}

// Debian's Python, with a module of this text in place of PyTorch.
std::string with_torch(const testing::TemporaryFolder& folder, const std::string& text) {
  folder.write("torch.py", text);
  return interpreter(folder,
                     "export PYTHONPATH=" + folder.string() + "\nexec " RHO_PYTHON " \"$@\"");
}

constexpr const char* kIntroduction = R"(echo '{"version": "9", "modes": [["eager", ""]]}')";

// By name and precision. On the CPU PyTorch has no tf32, and rounds to bfloat16 by its autocast.
class PyTorchPeerTest : public ::testing::TestWithParam<std::pair<std::string, ProductPrecision>> {
};

TEST_P(PyTorchPeerTest, SameLogitsLossesAndGradients) {
  const auto& [name, precision] = GetParam();
  PyTorch pytorch(RHO_PYTHON, Device{});
  if (!pytorch.absence().empty()) GTEST_SKIP() << pytorch.absence();
  const auto model = bench::build(name);
  // Weights of some steps: fresh biases are 0 and those of batch norm 1, which hides mistakes.
  bench::Training training = bench::random_training(16);
  training.lr = 0.01;
  bench::Network trained(model, training, Device{});
  for (int step = 0; step < 3; ++step) trained.step();
  const auto twin = bench::build(name, DType::Float64);
  nn::copy_state(*model, *twin);
  bench::Network reference(twin, bench::in_dtype(training, DType::Float64), Device{});
  const bench::Results expected = bench::results(reference);
  const bench::Cost cost = bench::cost(*model, training.x);
  ASSERT_FALSE(pytorch.modes().empty()) << pytorch.description();
  for (const std::string& mode : pytorch.modes()) {
    const auto network = pytorch.network(name, *model, training, {mode, precision, 1});
    EXPECT_EQ(bench::mistake(bench::results(*network), expected, cost, precision), "") << mode;
    EXPECT_GT(network->seconds(Task::Step, 1), 0.0) << mode;
    EXPECT_GT(network->seconds(Task::Evaluation, 1), 0.0) << mode;
  }
  // One with other weights is not taken for the same.
  training.lr = 1e-4;
  const auto other = pytorch.network(name, *bench::build(name), training, {"eager", precision, 1});
  EXPECT_NE(bench::mistake(bench::results(*other), expected, cost, precision), "");
}

INSTANTIATE_TEST_SUITE_P(Networks, PyTorchPeerTest,
                         ::testing::Values(std::pair{"convnet3-24", ProductPrecision::Float32},
                                           std::pair{"convnet3-64s2", ProductPrecision::Float32},
                                           std::pair{"convnet5-w", ProductPrecision::Float32},
                                           std::pair{"resnet20", ProductPrecision::Float32},
                                           std::pair{"resnet56", ProductPrecision::Float32},
                                           std::pair{"convnet3-64s2", ProductPrecision::BFloat16},
                                           std::pair{"resnet20", ProductPrecision::BFloat16}),
                         [](const auto& instance) {
                           std::string name = instance.param.first + "_" +
                                              std::string(kernels::name_of(instance.param.second));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(PyTorchPeer, WithoutTheInterpreterItIsAbsent) {
  const PyTorch pytorch("no-such-python", Device{});
  EXPECT_EQ(pytorch.absence(), "there is no no-such-python");
  EXPECT_EQ(pytorch.description(), "absent: there is no no-such-python");
  EXPECT_TRUE(pytorch.modes().empty());
}

TEST(PyTorchPeer, WithoutPyTorchItIsAbsent) {
  if (!std::filesystem::exists(RHO_PYTHON)) GTEST_SKIP() << "there is no " RHO_PYTHON;
  const testing::TemporaryFolder folder;
  const std::string missing = with_torch(folder, "raise ImportError('libcudart.so is missing')");
  EXPECT_EQ(PyTorch(missing, Device{}).absence(), "ImportError: libcudart.so is missing");
}

TEST(PyTorchPeer, AnInterpreterThatEndsIsAbsent) {
  const testing::TemporaryFolder folder;
  const std::string ends = interpreter(folder, "exit 7");
  EXPECT_EQ(PyTorch(ends, Device{}).absence(), ends + " ended with exit code 7");
  const std::string crashes = interpreter(folder, "kill -SEGV $$");
  EXPECT_EQ(PyTorch(crashes, Device{}).absence(), crashes + " was ended by signal 11");
}

TEST(PyTorchPeer, WhatHangsIsAbsent) {
  if (!std::filesystem::exists(RHO_PYTHON)) GTEST_SKIP() << "there is no " RHO_PYTHON;
  const testing::TemporaryFolder folder;
  const std::string hangs = with_torch(folder, "import time\ntime.sleep(600)");
  EXPECT_EQ(PyTorch(hangs, Device{}, 1).absence(), hangs + " gave no answer in 1 s");
}

TEST(PyTorchPeer, GoesOnAfterAnErrorAndEndsWithItsProcess) {
  const testing::TemporaryFolder folder;
  const std::string python =
      interpreter(folder, std::string(kIntroduction) +
                              "\nread request\necho '{\"error\": \"no memory\"}'\nread "
                              "request\necho '{\"id\": 1}'\nread request\nexit 3");
  PyTorch pytorch(python, Device{});
  const bench::Training training = bench::random_training(1);
  const auto model = bench::build("convnet3-2");
  const auto network = [&] { return pytorch.network("convnet3-2", *model, training, {"eager"}); };
  try {
    network();
    ADD_FAILURE() << "an error was not thrown";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no memory"), std::string::npos) << error.what();
  }
  EXPECT_EQ(pytorch.absence(), "");
  const auto made = network();
  EXPECT_THROW(made->backward(), Error);
  EXPECT_EQ(pytorch.absence(), python + " ended with exit code 3");
  EXPECT_TRUE(pytorch.modes().empty());
  EXPECT_THROW(made->backward(), Error);
}

}  // namespace
}  // namespace rho
