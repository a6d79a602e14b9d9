// Options of the tools: values, defaults, and one line for what is wrong.
#include "tools/support/command_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "tests/support/testing.h"

namespace rho::tools {
namespace {

using ::rho::testing::contains;

bool parse(CommandLine& line, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return line.parse(static_cast<int>(pointers.size()), pointers.data());
}

struct Values {
  int jobs = 4;
  double rate = 0.5;
  std::string name = "sgd", place;
  bool flag = false;
  std::vector<std::string> many;
  std::optional<std::int64_t> only;
};

/// What a command line makes of `arguments`; throws as parse() does.
Values values_of(const std::vector<std::string>& arguments) {
  Values v;
  CommandLine line("program", "what it does", "examples");
  line.add("PLACE", v.place, "a place").required();
  line.add("--jobs", v.jobs, "a count").range(0, 10);
  line.add("--rate", v.rate, "a rate").range(0.0, 1.0);
  line.add("--name", v.name, "a choice").one_of({"sgd", "adam"});
  line.add("--many", v.many, "any number");
  const Option flag = line.add("--flag", v.flag, "yes or no");
  line.add("--only", v.only, "one").excludes(flag);
  EXPECT_TRUE(parse(line, arguments));
  for (const char* name : {"--jobs", "--flag"})
    EXPECT_EQ(line.given(name),
              std::find(arguments.begin(), arguments.end(), name) != arguments.end());
  return v;
}

std::string problem_of(const std::vector<std::string>& arguments) {
  try {
    values_of(arguments);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(CommandLineTest, DefaultsStayAndValuesReplaceThem) {
  const Values none = values_of({"here"});
  EXPECT_EQ(none.place, "here");
  EXPECT_EQ(none.jobs, 4);
  EXPECT_EQ(none.rate, 0.5);
  EXPECT_EQ(none.name, "sgd");
  EXPECT_FALSE(none.flag);
  EXPECT_FALSE(none.only.has_value());
  EXPECT_TRUE(none.many.empty());

  const Values all = values_of({"here", "--jobs", "0", "--rate=1e-3", "--name", "adam", "--many",
                                "a", "--many", "b", "--only", "7"});
  EXPECT_EQ(all.jobs, 0);
  EXPECT_EQ(all.rate, 1e-3);
  EXPECT_EQ(all.name, "adam");
  EXPECT_EQ(all.many, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(all.only, 7);
  EXPECT_TRUE(values_of({"--flag", "here"}).flag);
}

TEST(CommandLineTest, TheLastValueCounts) {
  EXPECT_EQ(values_of({"here", "--jobs", "1", "--name", "adam", "--jobs", "2"}).jobs, 2);
}

TEST(CommandLineTest, WhatIsWrongNamesTheOption) {
  EXPECT_TRUE(contains(problem_of({}), "PLACE is required"));
  EXPECT_TRUE(contains(problem_of({"a", "b"}), "not expected: b"));
  EXPECT_TRUE(contains(problem_of({"a", "--jobs", "11"}), "--jobs: Value 11 not in range 0 to 10"));
  EXPECT_TRUE(contains(problem_of({"a", "--jobs", "1.5"}), "--jobs"));
  EXPECT_TRUE(contains(problem_of({"a", "--rate", "nan"}), "--rate: is not a number"));
  EXPECT_TRUE(contains(problem_of({"a", "--name", "x"}), "--name: x not in {sgd,adam}"));
  EXPECT_TRUE(contains(problem_of({"a", "--flag", "--only", "1"}), "excludes"));
  EXPECT_TRUE(contains(problem_of({"a", "--nothing"}), "--nothing"));
}

TEST(CommandLineTest, ExactlyOneCommand) {
  const auto chosen = [](const std::vector<std::string>& arguments) {
    CommandLine line("program", "what it does", "examples");
    std::string loss = "none";
    std::vector<CommandLine> commands;
    for (const char* const name : {"first", "second"}) {
      commands.push_back(line.command(name, "a command"));
      commands.back().add(
          "--loss", {"a", "b"}, [&](const std::string& value) { loss = value; }, "a choice");
    }
    parse(line, arguments);
    return std::to_string(commands[0].chosen()) + std::to_string(commands[1].chosen()) + loss;
  };
  EXPECT_EQ(chosen({"first"}), "10none");
  EXPECT_EQ(chosen({"second", "--loss", "b"}), "01b");
  EXPECT_THROW(chosen({}), UsageError);
  EXPECT_THROW(chosen({"third"}), UsageError);
  EXPECT_THROW(chosen({"first", "--loss", "c"}), UsageError);
}

TEST(CommandLineTest, AnotherPartsComplaintBecomesTheFlags) {
  EXPECT_EQ(parsed("--x", [] { return 3; }), 3);
  try {
    parsed("--x", []() -> int { fail("part", "found y"); });
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_TRUE(contains(error.what(), "--x: ")) << error.what();
    EXPECT_TRUE(contains(error.what(), "found y")) << error.what();
  }
  EXPECT_NO_THROW(require(true, "--x", "is required"));
  EXPECT_THROW(require(false, "--x", "is required"), UsageError);
}

}  // namespace
}  // namespace rho::tools
