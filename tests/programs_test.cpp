// Programs as threads of one process: each with its own console, and the results that it has alone.
#include "tools/programs/programs.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/clouds.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"
#include "tools/support/console.h"

namespace rho::tools {
namespace {

using testing::contains;
using testing::read_text;

class Programs : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_.path() / "csv");
    testing::write_clouds(folder_.path() / "csv/train.csv", 60, 1);
    testing::write_clouds(folder_.path() / "csv/test.csv", 30, 2);
  }

  // Its text goes to NAME.log and NAME.err.
  int run(const std::string& name, std::vector<std::string> words) const {
    const Console before = console();
    console() = {std::fopen(folder_.file(name + ".log").c_str(), "w"),
                 std::fopen(folder_.file(name + ".err").c_str(), "w")};
    std::vector<char*> arguments;
    arguments.reserve(words.size());
    for (std::string& word : words) arguments.push_back(word.data());
    const int code = find_program(words.front())(static_cast<int>(words.size()), arguments.data());
    std::fclose(console().out);
    std::fclose(console().err);
    console() = before;
    return code;
  }
  int train(const std::string& name, const std::string& seed, const std::string& model) const {
    return run(name,
               {"rho-train", "--model", model, "--data", "csv:" + folder_.file("csv"), "--seed",
                seed, "--epochs", "4", "--threads", "1", "--out", folder_.file(name)});
  }
  int measure(const std::string& name, const std::string& of) const {
    return run(name,
               {"rho-measure", "--run", folder_.file(of), "--json", folder_.file(name + ".json")});
  }
  std::string text(const std::string& file) const { return read_text(folder_.path() / file); }

  testing::TemporaryFolder folder_;
};

TEST_F(Programs, RunSideBySide) {
  std::vector<std::thread> threads;
  for (const std::string seed : {"1", "2", "3"})
    threads.emplace_back([this, seed] {
      EXPECT_EQ(train("together" + seed, seed, "mlp-16-2"), 0);
      EXPECT_EQ(measure("measured" + seed, "together" + seed), 0);
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string seed : {"1", "2", "3"}) {
    ASSERT_EQ(train("alone" + seed, seed, "mlp-16-2"), 0);
    EXPECT_EQ(text("together" + seed + "/last.safetensors"),
              text("alone" + seed + "/last.safetensors"));
    EXPECT_TRUE(contains(text("together" + seed + ".log"), "mlp-16-2", "epoch 4/4"));
    EXPECT_TRUE(contains(text("measured" + seed + ".log"), "mlp-16-2"));
    EXPECT_EQ(text("together" + seed + ".err"), "");
  }
  EXPECT_NE(text("alone1/last.safetensors"), text("alone2/last.safetensors"));
}

TEST_F(Programs, FailAlone) {
  int wrong = 0, right = 0;
  std::thread other([&] { wrong = train("wrong", "1", "mlp-none"); });
  right = train("right", "1", "mlp-8-1");
  other.join();
  EXPECT_EQ(wrong, 1);
  EXPECT_EQ(right, 0);
  EXPECT_TRUE(contains(text("wrong.err"), "rho-train: [model] unknown name \"mlp-none\""));
  EXPECT_EQ(text("right.err"), "");
}

TEST_F(Programs, AreKnownByName) {
  EXPECT_NE(find_program("rho-approximate"), nullptr);
  EXPECT_EQ(find_program("rho-dynamics"), nullptr);
}

}  // namespace
}  // namespace rho::tools
