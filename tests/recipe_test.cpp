// Recipes: what is read, what is refused, and the runs that they are multiplied out to.
#include "tools/sweep/recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/support/temporary_folder.h"
#include "tests/support/testing.h"
#include "tools/sweep/plan.h"
#include "tools/sweep/table.h"

namespace rho {
namespace {

namespace fs = std::filesystem;
using sweep::Recipe;

using testing::contains;
using testing::message_of;

constexpr const char* kRecipe = R"(
id = "one"
title = "Title"
source = "Paper"
[run]
model = "mlp-4-1"
lr = 0.5
augment = true
nesterov = false
[[phase]]
name = "first"
corrupt = 1.0
epochs = 2
[[phase]]
name = "second"
epochs = 3
snapshot = 0.25
[[axis]]
name = "seed"
values = [1, 2]
[[axis]]
name = "corruption"
option = "first.corrupt"
values = [0.5, 1.0]
[[extra]]
name = "alone"
seed = 7
"second.lr" = 0.125
[[measure]]
name = "l1"
norm = "1"
examples = true
[[figure]]
name = "losses"
title = "Losses"
kind = "losses"
where = {group = "grid", seed = [1, 2]}
[[claim]]
text = "fits"
statistic = "max"
y = "train_error"
at_most = 0.0
asserted = ["full"]
[scale.tiny]
note = "smaller"
run.lr = 0.25
phase.second.epochs = 1
axis.seed = [3]
extra.alone.seed = 8
[scale.small]
[scale.full]
)";

class RecipeTest : public ::testing::Test {
 protected:
  Recipe read(const std::string& text, const std::string& scale = "full") const {
    return sweep::read_recipe(folder_.write("r.toml", text), scale);
  }
  // The error of `text` put into a whole recipe, before its first table.
  std::string refused(const std::string& tables) const {
    const std::string head = "id = \"x\"\ntitle = \"t\"\nsource = \"s\"\n";
    return message_of([&] { read(head + tables + "\n[scale.full]\n"); });
  }

  testing::TemporaryFolder folder_;
};

TEST_F(RecipeTest, ReadsEveryPart) {
  const Recipe recipe = read(kRecipe);
  EXPECT_EQ(recipe.id, "one");
  EXPECT_EQ(recipe.program, "rho-train");
  ASSERT_EQ(recipe.phases.size(), 2U);
  EXPECT_EQ(recipe.phases[0].options.at("corrupt"), 1.0);
  ASSERT_EQ(recipe.axes.size(), 2U);
  EXPECT_EQ(recipe.axes[1].option, "first.corrupt");
  ASSERT_EQ(recipe.measures.size(), 1U);
  EXPECT_TRUE(recipe.measures[0].examples);
  ASSERT_EQ(recipe.figures.size(), 1U);
  ASSERT_EQ(recipe.figures[0].panels.size(), 3U);
  EXPECT_EQ(recipe.figures[0].panels[1].x, "train_normalized_cross_entropy");
  EXPECT_EQ(recipe.figures[0].panels[2].y, std::vector<std::string>{"test_mean_centred_margin"});
  EXPECT_EQ(recipe.figures[0].panels[0].where.conditions.size(), 2U);
  ASSERT_EQ(recipe.claims.size(), 1U);
  EXPECT_TRUE(recipe.claims[0].asserted);
  EXPECT_EQ(recipe.claims[0].at_most, 0.0);
  EXPECT_TRUE(std::isinf(recipe.claims[0].at_least));
}

TEST_F(RecipeTest, AScaleChangesWhatItNames) {
  const Recipe recipe = read(kRecipe, "tiny");
  EXPECT_EQ(recipe.scaled, "smaller");
  EXPECT_EQ(recipe.options.at("lr"), 0.25);
  EXPECT_EQ(recipe.phases[0].options.at("epochs"), 2);
  EXPECT_EQ(recipe.phases[1].options.at("epochs"), 1);
  EXPECT_EQ(recipe.axes[0].levels.size(), 1U);
  EXPECT_EQ(recipe.extras[0].options.at("seed"), 8);
  EXPECT_FALSE(recipe.claims[0].asserted);
}

TEST_F(RecipeTest, ExtendsAnother) {
  folder_.write("base.toml", kRecipe);
  const Recipe recipe = read(
      "extends = \"base.toml\"\nid = \"two\"\n[run]\nlr = 2.0\n[[claim]]\n"
      "text = \"other\"\nstatistic = \"min\"\ny = \"epoch\"\n");
  EXPECT_EQ(recipe.id, "two");
  EXPECT_EQ(recipe.title, "Title");
  EXPECT_EQ(recipe.options.at("lr"), 2.0);
  EXPECT_EQ(recipe.options.at("model"), "mlp-4-1");
  ASSERT_EQ(recipe.claims.size(), 1U);
  EXPECT_EQ(recipe.claims[0].text, "other");
}

TEST_F(RecipeTest, SaysWhatIsWrong) {
  EXPECT_TRUE(contains(message_of([&] { read("id = \n"); }), "r.toml, line 1"));
  EXPECT_TRUE(contains(message_of([&] { read("id = \"x\"\n"); }), "has no [scale.full]"));
  EXPECT_TRUE(contains(message_of([&] { read(kRecipe, "huge"); }), "\"huge\""));
  EXPECT_TRUE(
      contains(message_of([&] { sweep::read_recipe("/nowhere.toml", "full"); }), "/nowhere.toml"));
  const std::pair<const char*, const char*> cases[] = {
      {"colour = 1", "unknown key \"colour\""},
      {"[run]\nlr = [1, 2]", "\"lr\" is [1,2]"},
      {"[run]\nlr = nan", "not finite"},
      {"[[axis]]\nname = \"seed\"", "axis 1 has no \"values\""},
      {"[[axis]]\nname = \"seed\"\nvalues = []", "no values"},
      {"[[axis]]\nname = \"a\"\nvalues = [{lr = 1}]", "no \"label\""},
      {"[[figure]]\nname = \"f\"\ntitle = \"f\"", "has no panel"},
      {"[[figure]]\nname = \"f\"\ntitle = \"f\"\nkind = \"pie\"", "\"pie\""},
      {"[[claim]]\ntext = \"c\"\nstatistic = \"mode\"\ny = \"y\"", "\"mode\""},
      {"[[claim]]\ntext = 3\nstatistic = \"max\"\ny = \"y\"", "wrong type"},
      {"program = \"rho-dynamics\"\n[[phase]]\nname = \"p\"", "rho-dynamics"},
  };
  for (const auto& [tables, expected] : cases)
    EXPECT_TRUE(contains(refused(tables), expected)) << tables;
}

TEST_F(RecipeTest, ThePlanIsTheGridThenTheSingleRuns) {
  const Recipe recipe = read(kRecipe);
  const std::vector<sweep::Run> runs = make_plan(recipe);
  ASSERT_EQ(runs.size(), 5U);
  EXPECT_EQ(runs[1].name, "seed=1 corruption=1.0");
  EXPECT_EQ(runs[2].name, "seed=2 corruption=0.5");
  EXPECT_EQ(runs[2].levels, (std::vector<std::string>{"2", "0.5"}));
  EXPECT_EQ(runs[2].phases[0].options.at("corrupt"), 0.5);
  EXPECT_FALSE(runs[2].phases[1].options.contains("corrupt"));
  EXPECT_EQ(runs[4].name, "alone");
  EXPECT_EQ(runs[4].group, "alone");
  EXPECT_EQ(runs[4].levels, (std::vector<std::string>{"7", ""}));
  EXPECT_EQ(runs[4].phases[0].options.at("lr"), 0.5);
  EXPECT_EQ(runs[4].phases[1].options.at("lr"), 0.125);
  for (const sweep::Run& run : make_plan(recipe, {"csv:x", "cuda", "tf32", "nvidia"}))
    for (const sweep::Phase& phase : run.phases) {
      EXPECT_EQ(phase.options.at("data"), "csv:x");
      EXPECT_EQ(phase.options.at("device"), "cuda");
      EXPECT_EQ(phase.options.at("precision"), "tf32");
      EXPECT_EQ(phase.options.at("provider"), "nvidia");
    }
}

TEST_F(RecipeTest, CommandsFollowEachOther) {
  const Recipe recipe = read(kRecipe);
  const std::vector<sweep::Command> commands = sweep::commands(recipe, make_plan(recipe)[0], "d");
  ASSERT_EQ(commands.size(), 3U);
  const auto has = [&](std::size_t c, const std::string& flag, const std::string& value) {
    const auto& words = commands[c].arguments;
    const auto at = std::find(words.begin(), words.end(), flag);
    return at != words.end() && (value.empty() || *(at + 1) == value);
  };
  EXPECT_TRUE(has(0, "--augment", ""));
  EXPECT_FALSE(has(0, "--nesterov", ""));
  EXPECT_FALSE(has(0, "--start", ""));
  EXPECT_TRUE(has(0, "--out", "d/first"));
  EXPECT_TRUE(has(1, "--start", "d/first/last.safetensors"));
  EXPECT_TRUE(has(1, "--resume", ""));
  EXPECT_EQ(commands[2].program, "rho-measure");
  EXPECT_TRUE(has(2, "--run", "d/second"));
  EXPECT_TRUE(has(2, "--checkpoint", "d/second/snapshot.safetensors"));
  EXPECT_TRUE(has(2, "--examples", "d/examples-l1.csv"));
  EXPECT_TRUE(has(2, "--norm", "1"));
}

TEST_F(RecipeTest, ThePublishedOnesAreReadAtEveryScale) {
  int recipes = 0;
  for (const auto& file : fs::directory_iterator("tools/recipes")) {
    for (const char* scale : {"tiny", "small", "full"}) {
      const Recipe recipe = sweep::read_recipe(file.path().string(), scale);
      EXPECT_EQ(recipe.id, file.path().stem().string());
      EXPECT_FALSE(recipe.claims.empty()) << recipe.id;
      EXPECT_FALSE(recipe.figures.empty()) << recipe.id;
      EXPECT_FALSE(make_plan(recipe).empty()) << recipe.id;
    }
    ++recipes;
  }
  EXPECT_GE(recipes, 28);
}

TEST(TableTest, ComesBackAsItWas) {
  const testing::TemporaryFolder folder;
  const sweep::Table table{{"a", "b,c", "d"},
                           {{"", "1", ""}, {"say \"x\"", "two\nlines", "1e-30"}}};
  const std::string path = folder.write("t.csv", sweep::to_csv(table));
  const sweep::Table back = sweep::read_csv(path);
  EXPECT_EQ(back.columns, table.columns);
  EXPECT_EQ(back.rows, table.rows);
  EXPECT_EQ(back.number(1, "d"), 1e-30);
  EXPECT_TRUE(std::isnan(back.number(0, "d")));
  EXPECT_TRUE(contains(message_of([&] { back.number(1, "a"); }), "row 2, column a"));
  EXPECT_TRUE(contains(message_of([&] { back.number(0, "e"); }), "\"e\""));
}

TEST(TableTest, SaysWhatIsWrong) {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const std::string& text) {
    return message_of([&] { sweep::read_csv(folder.write("t.csv", text)); });
  };
  EXPECT_TRUE(contains(refused(""), "is empty"));
  EXPECT_TRUE(contains(refused("a,b\n1\n"), "row 1 has 1 cells, expected 2"));
  EXPECT_TRUE(contains(refused("a,b\n\"1,2\n"), "t.csv"));
  EXPECT_TRUE(contains(message_of([&] { sweep::read_csv("/nowhere.csv"); }), "/nowhere.csv"));
}

}  // namespace
}  // namespace rho
