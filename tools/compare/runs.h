// What rho-train left in the folder of a run, read back.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace rho::compare {

using Json = nlohmann::ordered_json;  // layers stay in their order

/// The worst of all steps and layers in audit.jsonl.
struct AuditSummary {
  double norm_deviation = 0.0, tangency = 0.0;
  std::int64_t shortened = 0, held = 0;  ///< in all layers, over the whole run
};

struct Run {
  std::string name;                   ///< of the folder
  Json config;                        ///< config.json
  std::vector<Json> epochs;           ///< metrics.jsonl
  std::optional<AuditSummary> audit;  ///< where there is an audit.jsonl
};

/// Throws, naming the file, where config.json or metrics.jsonl is missing or no epoch is done, or a
/// line is not what rho-train writes.
Run read_run(const std::string& folder);

/// A number of an epoch's record; throws, naming run and key, where there is none.
double value(const Run& run, const Json& epoch, const std::string& key);

}  // namespace rho::compare
