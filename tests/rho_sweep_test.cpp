// rho-sweep as a user runs it: what it collects, how it fails, and that a killed sweep loses
// nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "tensor/random.h"
#include "tests/support/clouds.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"
#include "tools/sweep/table.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using sweep::Table;
using testing::Arguments;
using testing::contains;

class RhoSweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path() / "csv");
    testing::write_clouds(folder_.path() / "csv/train.csv", 60, 1);
    testing::write_clouds(folder_.path() / "csv/test.csv", 30, 2);
    write_recipe("recipe", "");
  }
  // Two phases, four networks of a grid, and one with `extra` options.
  std::string write_recipe(const std::string& name, const std::string& extra) const {
    return folder_.write(
        name + ".toml",
        "id = \"" + name +
            "\"\ntitle = \"t\"\nsource = \"s\"\n[run]\nmodel = \"mlp-8-1\"\ndata = \"csv:" +
            folder_.file("csv") +
            "\"\nlr = 0.1\nbatch = 10\n[[phase]]\nname = \"first\"\ncorrupt = 1.0\nepochs = 3\n"
            "[[phase]]\nname = \"second\"\nepochs = 4\n[[axis]]\nname = \"init-std\"\nvalues = "
            "[0.1, "
            "0.5]\n[[axis]]\nname = \"seed\"\nvalues = [1, 2]\n[[extra]]\nname = \"alone\"\nseed = "
            "3\n" +
            extra +
            "\n[[measure]]\nname = \"l1\"\nnorm = \"1\"\n[scale.tiny]\nnote = "
            "\"tiny\"\n[scale.small]\n");
  }
  Arguments command(const std::string& recipe, const std::string& out,
                    const Arguments& more = {}) const {
    Arguments all{testing::program("rho-sweep"),
                  folder_.file(recipe + ".toml"),
                  "--scale",
                  "tiny",
                  "--out",
                  folder_.file(out),
                  "--jobs",
                  "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  testing::Finished sweep(const std::string& recipe, const std::string& out,
                          const Arguments& more = {}) const {
    return testing::run(command(recipe, out, more));
  }
  std::string results(const std::string& out) const {
    return testing::read_text(folder_.path() / out / "results.csv");
  }
  static void expect_failure(const testing::Finished& finished, int code,
                             const std::string& expected) {
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(contains(finished.err, "rho-sweep: ", expected));
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(RhoSweepTest, CollectsARowARun) {
  const testing::Finished finished = sweep("recipe", "out");
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_TRUE(contains(finished.out, "[5/5] ", "init-std=0.5 seed=2: epoch 4", "results.csv"));
  const Table table = sweep::read_csv(folder_.file("out/results.csv"));
  ASSERT_EQ(table.rows.size(), 5U);
  EXPECT_EQ(table.text(1, "name"), "init-std=0.1 seed=2");
  EXPECT_EQ(table.text(4, "group"), "alone");
  for (std::size_t r = 0; r < 5; ++r) {
    EXPECT_EQ(table.text(r, "run"), std::to_string(r));
    EXPECT_EQ(table.text(r, "status"), "done");
    EXPECT_EQ(table.number(r, "epoch"), 4);
    EXPECT_EQ(table.text(r, "corrupt"), "0.0");
    EXPECT_EQ(table.text(r, "first.corrupt"), "1.0");
    EXPECT_EQ(table.text(r, "l1.norm"), "1");
    EXPECT_EQ(table.text(r, "l1.train.cross_entropy"), table.text(r, "train_loss"));
    EXPECT_EQ(table.number(r, "generalization_gap_error"),
              table.number(r, "test_error") - table.number(r, "train_error"));
    EXPECT_TRUE(table.text(r, "version").starts_with("0.1.0"));
  }
  EXPECT_EQ(table.text(2, "init-std"), "0.5");
  EXPECT_NE(table.text(0, "test_loss"), table.text(1, "test_loss"));
  for (const char* machine : {"seconds", "img_per_s", "threads", "start"})
    EXPECT_FALSE(table.has(machine)) << machine;
  EXPECT_TRUE(contains(testing::read_text(folder_.path() / "out/runs/003/commands.sh"),
                       "rho-train '--batch' '10'", "--start", "rho-measure '--run'"));
}

TEST_F(RhoSweepTest, ARunThatFailsDoesNotStopTheOthers) {
  write_recipe("failing", "model = \"mlp-none\"");
  expect_failure(sweep("failing", "out"), 1, "1 of 5 runs failed");
  const Table table = sweep::read_csv(folder_.file("out/results.csv"));
  EXPECT_EQ(table.text(3, "status"), "done");
  EXPECT_EQ(table.text(4, "status"), "failed");
  EXPECT_TRUE(contains(table.text(4, "error"), "rho-train: [model] unknown name \"mlp-none\""));
}

TEST_F(RhoSweepTest, ARestartDoesOnlyWhatIsUnfinished) {
  ASSERT_EQ(sweep("recipe", "out").code, 0);
  const std::string whole = results("out");
  const auto written = [&](const char* run) {
    return fs::last_write_time(folder_.path() / "out/runs" / run / "row.json");
  };
  const auto before = written("001");
  fs::remove_all(folder_.path() / "out/runs/002");
  const testing::Finished again = sweep("recipe", "out");
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(std::count(again.out.begin(), again.out.end(), '\n'), 2) << again.out;
  EXPECT_EQ(written("001"), before);
  EXPECT_EQ(results("out"), whole);
}

TEST_F(RhoSweepTest, KilledFiveTimesItEndsAsIfItHadNotBeen) {
  ASSERT_EQ(sweep("recipe", "whole").code, 0);
  Rng rng(testing::read_text("/proc/sys/kernel/random/uuid").size() + 11);
  for (int kill = 0; kill < 5; ++kill) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(20 + rng.below(150));
    testing::run_and_kill(command("recipe", "killed"),
                          [&] { return std::chrono::steady_clock::now() > end; });
  }
  const testing::Finished last = sweep("recipe", "killed");
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(results("killed"), results("whole"));
}

TEST_F(RhoSweepTest, RunsOfAJobArrayMakeTheSameTable) {
  ASSERT_EQ(sweep("recipe", "whole").code, 0);
  const testing::Finished listed = sweep("recipe", "array", {"--list"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  EXPECT_TRUE(
      contains(listed.out, "0\tunfinished\tinit-std=0.1 seed=1\n", "4\tunfinished\talone\n"));
  for (const char* k : {"3", "0", "4", "1", "2"})
    EXPECT_EQ(sweep("recipe", "array", {"--only", k}).code, 0) << k;
  EXPECT_EQ(results("array"), results("whole"));
  EXPECT_TRUE(contains(sweep("recipe", "array", {"--list"}).out, "4\tdone\talone\n"));
  expect_failure(sweep("recipe", "array", {"--only", "5"}), 1, "there are 5 runs");
}

TEST_F(RhoSweepTest, TwoAtOnceShareTheWork) {
  ASSERT_EQ(sweep("recipe", "whole").code, 0);
  testing::Finished other;
  std::thread beside([&] { other = sweep("recipe", "shared"); });
  const testing::Finished here = sweep("recipe", "shared");
  beside.join();
  EXPECT_EQ(here.code, 0) << here.err;
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_EQ(results("shared"), results("whole"));
}

TEST_F(RhoSweepTest, RanksOfMpiShareTheWork) {
  if (std::system("mpirun --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "there is no mpirun (openmpi-bin)";
  ASSERT_EQ(sweep("recipe", "whole").code, 0);
  // Open MPI does not give all its memory back, which is no leak of ours.
  Arguments ranks{"/usr/bin/env",
                  "ASAN_OPTIONS=detect_leaks=0",
                  "OMPI_ALLOW_RUN_AS_ROOT=1",
                  "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                  "mpirun",
                  "-n",
                  "2",
                  "--oversubscribe"};
  for (const std::string& word : command("recipe", "ranks", {"--mpi", "--jobs", "1"}))
    ranks.push_back(word);
  const testing::Finished finished = testing::run(ranks);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(results("ranks"), results("whole"));
}

TEST_F(RhoSweepTest, OneFolderHoldsOneSweep) {
  ASSERT_EQ(sweep("recipe", "out").code, 0);
  const std::string whole = results("out");
  write_recipe("other", "lr = 0.2");
  expect_failure(sweep("other", "out"), 1, "run 4 was");
  EXPECT_EQ(results("out"), whole);
  // Another recipe of the same networks draws other figures of them.
  write_recipe("same", "");
  EXPECT_EQ(sweep("same", "out").code, 0);
  EXPECT_EQ(results("out"), whole);
}

TEST_F(RhoSweepTest, OtherDataTakesThePlaceOfTheRecipes) {
  fs::create_directories(folder_.path() / "more");
  testing::write_clouds(folder_.path() / "more/train.csv", 90, 3);
  testing::write_clouds(folder_.path() / "more/test.csv", 30, 4);
  ASSERT_EQ(sweep("recipe", "out", {"--data", "csv:" + folder_.file("more")}).code, 0);
  const Table table = sweep::read_csv(folder_.file("out/results.csv"));
  EXPECT_EQ(table.text(0, "data"), "csv:" + folder_.file("more"));
  EXPECT_EQ(table.text(0, "first.data"), "csv:" + folder_.file("more"));
}

TEST_F(RhoSweepTest, SaysWhatIsWrong) {
  expect_failure(sweep("none", "out"), 1, "none.toml can not be read");
  expect_failure(sweep("recipe", "out", {"--scale", "full"}), 1, "has no [scale.full]");
  expect_failure(sweep("recipe", "out", {"--jobs", "x"}), 2, "--jobs");
  expect_failure(sweep("recipe", "out", {"--device", "gpu"}), 2, "--device");
  expect_failure(sweep("recipe", "out", {"--device", "cuda:99"}), 1, "[device] cuda:99");
  expect_failure(sweep("recipe", "out", {"--precision", "f16"}), 2, "--precision");
  expect_failure(sweep("recipe", "out", {"--precision", "tf32"}), 2, "tf32 is for CUDA devices");
  expect_failure(sweep("recipe", "out", {"--provider", "cublas"}), 2, "--provider");
  expect_failure(sweep("recipe", "out", {"--provider", "nvidia"}), 2, "nvidia is for CUDA devices");
  expect_failure(sweep("recipe", "out", {"--list", "--only", "1"}), 2, "--list");
  expect_failure(testing::run({testing::program("rho-sweep")}), 2, "RECIPE");
  folder_.write("file", "");
  expect_failure(sweep("recipe", "file/out"), 1, "file/out");
}

}  // namespace
}  // namespace rho
