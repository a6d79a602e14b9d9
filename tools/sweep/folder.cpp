#include "tools/sweep/folder.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "nn/atomic_file.h"
#include "tensor/error.h"
#include "tools/support/folder_lock.h"
#include "tools/support/json_file.h"
#include "tools/support/version.h"

namespace rho::sweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  check(in.good(), "sweep", path, " can not be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  check(!error, "sweep", path, ": ", error.message());
}

// Names the first run that is not the same. Figures and claims may differ: several recipes draw the
// same networks.
void expect_same(const Json& found, const Json& expected, const std::string& path) {
  const Json runs = found.value("runs", Json::array());
  check(runs.size() == expected.at("runs").size(), "sweep", path, " holds a sweep of ", runs.size(),
        " runs, the recipe has ", expected.at("runs").size(), "; choose another --out");
  for (std::size_t i = 0; i < runs.size(); ++i)
    check(runs[i] == expected.at("runs")[i], "sweep", path, ": run ", i, " was ", runs[i].dump(),
          ", the recipe has ", expected.at("runs")[i].dump(), "; choose another --out");
}

}  // namespace

Folder::Folder(std::string path, Recipe recipe, std::vector<Run> runs)
    : path_(std::move(path)), recipe_(std::move(recipe)), runs_(std::move(runs)) {
  make_folder(path_ + "/runs");
  tools::FolderLock lock;
  lock.acquire(path_);
  claim();
}

void Folder::claim() const {
  const Json plan{{"recipe", recipe_.id},
                  {"scale", recipe_.scale},
                  {"version", tools::code_version()},
                  {"runs", to_json(recipe_, runs_)}};
  const std::string file = path_ + "/sweep.json";
  if (fs::exists(file)) expect_same(tools::read_json(file, "sweep"), plan, path_);
  nn::write_text(path_ + "/recipe.json", read_recipe_file(recipe_.path).dump(2) + "\n");
  nn::write_text(file, plan.dump(2) + "\n");
}

std::string Folder::of(const Run& run) const { return run_folder(path_, run.index); }

Folder::State Folder::state(const Run& run) const {
  if (fs::exists(of(run) + "/row.json")) return State::Done;
  return fs::exists(of(run) + "/error.txt") ? State::Failed : State::Unfinished;
}

std::string Folder::error(const Run& run) const { return read_text(of(run) + "/error.txt"); }

void Folder::begin(const Run& run) const {
  make_folder(of(run));
  fs::remove(of(run) + "/error.txt");
}

void Folder::save_done(const Run& run) const {
  nn::write_text(of(run) + "/row.json", read_row(recipe_, run, of(run)).dump(2) + "\n");
}

void Folder::save_failed(const Run& run, const std::string& error) const {
  nn::write_text(of(run) + "/error.txt", error);
}

void Folder::collect() const {
  tools::FolderLock lock;  // or a slower process would put an older table over a newer one
  lock.acquire(path_);
  std::vector<Row> rows;
  for (const Run& run : runs_) {
    const State found = state(run);
    if (found == State::Done) {
      rows.push_back(tools::read_json(of(run) + "/row.json", "sweep"));
      continue;
    }
    Row& row = rows.emplace_back(identify(recipe_, run));
    row["status"] = found == State::Failed ? "failed" : "unfinished";
    if (found == State::Failed) row["error"] = error(run);
  }
  nn::write_text(path_ + "/results.csv", to_csv(to_table(rows)));
}

}  // namespace rho::sweep
