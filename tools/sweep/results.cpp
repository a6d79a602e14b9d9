#include "tools/sweep/results.h"

#include <algorithm>
#include <filesystem>

#include "tensor/error.h"
#include "tools/support/json_file.h"
#include "tools/sweep/plan.h"

namespace rho::sweep {
namespace {

namespace fs = std::filesystem;

Options read_about(const fs::path& path) {
  check(fs::exists(path), "sweep", path.parent_path().string(),
        " is not the folder of a sweep: it has no sweep.json");
  Options out = tools::read_json(path.string(), "sweep");
  check(out.contains("scale") && out["scale"].is_string(), "sweep", path.string(),
        " is not a JSON object with a \"scale\"");
  return out;
}

}  // namespace

std::vector<std::size_t> Sweep::rows(const std::string& status) const {
  std::vector<std::size_t> out;
  for (std::size_t row = 0; row < results.rows.size(); ++row)
    if (results.text(row, "status") == status) out.push_back(row);
  return out;
}

std::size_t Sweep::unfinished() const {
  const std::size_t ended = rows("done").size() + rows("failed").size();
  const auto runs = about.find("runs");
  const std::size_t planned = runs != about.end() && runs->is_array() ? runs->size() : 0;
  return std::max(planned, results.rows.size()) - ended;
}

Sweep read_sweep(const std::string& folder) {
  const fs::path path = folder;
  Sweep out;
  out.folder = folder;
  out.about = read_about(path / "sweep.json");
  out.recipe = read_recipe((path / "recipe.json").string(), out.about["scale"].get<std::string>());
  check(fs::exists(path / "results.csv"), "sweep", folder,
        " has no results.csv yet: no run has ended");
  out.results = read_csv((path / "results.csv").string());
  return out;
}

std::string run_folder(const Sweep& sweep, std::size_t row) {
  return run_folder(sweep.folder, static_cast<std::size_t>(sweep.results.number(row, "run")));
}

}  // namespace rho::sweep
