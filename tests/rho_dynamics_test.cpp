// rho-dynamics as a user runs it: what it prints and writes, and how it fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace rho {
namespace {

using nlohmann::json;
using testing::Arguments;

class RhoDynamicsTest : public ::testing::Test {
 protected:
  static testing::Finished dynamics(Arguments arguments) {
    arguments.insert(arguments.begin(), testing::program("rho-dynamics"));
    return testing::run(arguments);
  }
  // Exactly one line on stderr, that begins with the program's name and says `expected`.
  static void expect_failure(const Arguments& arguments, int code, const std::string& expected) {
    const testing::Finished finished = dynamics(arguments);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_TRUE(finished.err.starts_with("rho-dynamics: ")) << finished.err;
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_NE(finished.err.find(expected), std::string::npos) << finished.err;
  }
  std::string file(const std::string& name) const { return folder_.file(name); }

  testing::TemporaryFolder folder_;
};

/// An experiment and options that make it short.
struct Short {
  const char* name;
  Arguments options;
};
class RhoDynamicsExperiment : public RhoDynamicsTest,
                              public ::testing::WithParamInterface<Short> {};
INSTANTIATE_TEST_SUITE_P(
    All, RhoDynamicsExperiment,
    ::testing::Values(Short{"theory3-1", {"--t-end", "10", "--loss", "logistic"}},
                      Short{"theory3-2", {"--t-end", "1e6", "--layers", "2"}},
                      Short{"theory3-3", {"--t-end", "1e6", "--example", "51", "--bias"}},
                      Short{"hard-margin", {"--t-end", "1e6", "--examples", "10", "--seed", "1"}},
                      Short{"relu", {"--t-end", "1e6", "--layers", "2"}},
                      Short{"issues-2", {"--t-end", "3", "--chains", "5", "--lr", "0.02"}}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST_P(RhoDynamicsExperiment, PrintsItsTableAndDrawsItsPicture) {
  const auto& [name, options] = GetParam();
  Arguments command{name, "--plot", file("out.png"), "--json", file("out.json")};
  command.insert(command.end(), options.begin(), options.end());
  const testing::Finished finished = dynamics(command);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  EXPECT_TRUE(finished.out.starts_with(std::string(name) + ": "));
  for (const char* part : {"quantity", "found", "+- 95 %", "predicted", "over"})
    EXPECT_NE(finished.out.find(part), std::string::npos) << finished.out << " lacks " << part;
  EXPECT_TRUE(testing::read_text(file("out.png")).starts_with("\x89PNG"));
  const json out = json::parse(testing::read_text(file("out.json")));
  EXPECT_EQ(out["experiment"], name);
  for (const json& row : out["rows"])
    EXPECT_NE(finished.out.find(row["quantity"].get<std::string>()), std::string::npos);
  for (const json& panel : out["panels"]) EXPECT_FALSE(panel["curves"].empty());
}

TEST_F(RhoDynamicsTest, TheSameSeedGivesTheSameNumbers) {
  const Arguments command{"issues-2", "--t-end", "3", "--chains", "20"};
  const testing::Finished first = dynamics(command);
  EXPECT_EQ(first.out, dynamics(command).out);
  Arguments other = command;
  other.insert(other.end(), {"--seed", "7"});
  EXPECT_NE(first.out, dynamics(other).out);
}

TEST_F(RhoDynamicsTest, HelpIsNoFailure) {
  for (const Arguments& command : {Arguments{"--help"}, Arguments{"theory3-2", "--help"}}) {
    const testing::Finished finished = dynamics(command);
    EXPECT_EQ(finished.code, 0);
    EXPECT_NE(finished.out.find("Examples:"), std::string::npos);
  }
}

TEST_F(RhoDynamicsTest, WrongCommandLinesExitWithTwo) {
  expect_failure({}, 2, "A subcommand is required");
  expect_failure({"theory4"}, 2, "subcommand");
  expect_failure({"theory3-1", "--loss", "square"}, 2, "--loss");
  expect_failure({"theory3-2", "--layers", "0"}, 2, "--layers");
  expect_failure({"theory3-2", "--t-end", "nan"}, 2, "--t-end");
  expect_failure({"theory3-3", "--example", "101"}, 2, "--example");
  expect_failure({"hard-margin", "--seed", "-1"}, 2, "--seed");
  expect_failure({"issues-2", "--layers", "3"}, 2, "not expected");
  expect_failure({"theory3-1", "--plot", file("out.pdf")}, 2, ".svg or .png");
}

TEST_F(RhoDynamicsTest, OtherFailuresExitWithOne) {
  expect_failure({"theory3-1", "--json", file("none/out.json")}, 1, "there is no folder");
  expect_failure({"theory3-1", "--plot", folder_.string() + "/x.png/../none/y.png"}, 1,
                 "there is no folder");
}

}  // namespace
}  // namespace rho
