#include "tools/compare/runs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "tensor/error.h"

namespace rho::compare {
namespace {

namespace fs = std::filesystem;

// One JSON object a line.
std::vector<Json> read_lines(const fs::path& path) {
  std::ifstream in(path);
  check(in.good(), "run", path.string(), " can not be read");
  std::vector<Json> out;
  for (std::string line; std::getline(in, line);) {
    out.push_back(Json::parse(line, nullptr, false));
    check(out.back().is_object(), "run", path.string(), ", line ", out.size(),
          " is not a JSON object");
  }
  return out;
}

AuditSummary summarize(const std::vector<Json>& steps, const std::string& path) {
  AuditSummary out;
  try {
    for (const Json& step : steps)
      for (const Json& layer : step.at("layers")) {
        out.norm_deviation = std::max(out.norm_deviation, layer.at("norm_deviation").get<double>());
        out.tangency = std::max(out.tangency, layer.at("tangency").get<double>());
      }
    if (steps.empty()) return out;
    for (const Json& layer : steps.back().at("layers")) {  // counts are of the run so far
      out.shortened += layer.at("shortened").get<std::int64_t>();
      out.held += layer.at("held").get<std::int64_t>();
    }
  } catch (const Json::exception& error) {
    fail("run", path, ": ", error.what());
  }
  return out;
}

}  // namespace

Run read_run(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  Run run;
  run.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  std::ifstream config(path / "config.json");
  check(config.good(), "run", folder, " is not the folder of a run: it has no config.json");
  run.config = Json::parse(config, nullptr, false);
  check(run.config.is_object(), "run", (path / "config.json").string(), " is not a JSON object");
  run.epochs = read_lines(path / "metrics.jsonl");
  check(!run.epochs.empty(), "run", (path / "metrics.jsonl").string(), " has no epoch yet");
  const fs::path audit = path / "audit.jsonl";
  if (fs::exists(audit)) run.audit = summarize(read_lines(audit), audit.string());
  return run;
}

double value(const Run& run, const Json& epoch, const std::string& key) {
  const auto found = epoch.find(key);
  if (found != epoch.end() && found->is_null()) return std::nan("");  // what JSON has for NaN
  check(found != epoch.end() && found->is_number(), "run", run.name, " has no ", key,
        " in its metrics.jsonl");
  return found->get<double>();
}

}  // namespace rho::compare
