// Every published experiment at the tiny scale: its networks are trained, its figures drawn, and
// what it asserts of the paper's claims holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tools/sweep/plan.h"

namespace rho {
namespace {

namespace fs = std::filesystem;

std::string path_of(const std::string& id) { return "tools/recipes/" + id + ".toml"; }

// Recipes that train the same networks, under the name of the first.
std::map<std::string, std::vector<std::string>> families() {
  std::vector<std::string> ids;
  std::error_code elsewhere;  // the tests are listed from other folders too
  for (const auto& file : fs::directory_iterator("tools/recipes", elsewhere))
    ids.push_back(file.path().stem().string());
  std::sort(ids.begin(), ids.end());
  std::map<std::string, std::string> first;
  std::map<std::string, std::vector<std::string>> out;
  for (const std::string& id : ids) {
    const sweep::Recipe recipe = sweep::read_recipe(path_of(id), "tiny");
    const std::string runs = to_json(recipe, make_plan(recipe)).dump();
    out[first.try_emplace(runs, id).first->second].push_back(id);
  }
  return out;
}

class RecipesTest : public ::testing::TestWithParam<std::string> {};

TEST_P(RecipesTest, HoldAtTheTinyScale) {
  const testing::TemporaryFolder folder;
  const std::string out = folder.file("out");
  const std::vector<std::string> ids = families().at(GetParam());
  for (const std::string& id : ids) {
    const testing::Finished sweep =
        testing::run({testing::program("rho-sweep"), path_of(id), "--scale", "tiny", "--out", out});
    ASSERT_EQ(sweep.code, 0) << id << ": " << sweep.err;
    const testing::Finished plot =
        testing::run({testing::program("rho-plot"), out, "--format", "svg"});
    ASSERT_EQ(plot.code, 0) << id << ": " << plot.err;
    const testing::Finished report = testing::run({testing::program("rho-report"), out, "--check"});
    EXPECT_EQ(report.code, 0) << id << ": " << report.out << report.err;
  }
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  const auto all = families();
  for (const auto& [name, unused] : all) out.push_back(name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Published, RecipesTest, ::testing::ValuesIn(names()),
                         [](const auto& recipe) {
                           std::string name = recipe.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace rho
