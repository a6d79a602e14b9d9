#include "tools/compare/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace rho::compare {
namespace {

struct Column {
  const char* key;      ///< in metrics.jsonl
  const char* heading;  ///< 12 characters at most
  const char* format;
  double factor;
};

constexpr Column kColumns[] = {
    {"train_loss", "train CE", "%12.5f", 1.0},
    {"train_error", "train err %", "%12.2f", 100.0},
    {"test_loss", "test CE", "%12.5f", 1.0},
    {"test_error", "test err %", "%12.2f", 100.0},
    {"log_rho", "log rho", "%12.4f", 1.0},
    {"train_normalized_cross_entropy_minus_log_classes", "train CE~-lnC", "%14.4e", 1.0},
    {"test_normalized_cross_entropy_minus_log_classes", "test CE~-lnC", "%14.4e", 1.0},
    {"median_normalized_margin", "median margin~", "%15.4e", 1.0},
};

int width_of(const Column& column) { return std::atoi(column.format + 1); }

template <class... Args>
std::string print(const char* format, Args... args) {
  std::array<char, 128> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

}  // namespace

std::string to_text(const std::vector<Run>& runs) {
  std::size_t widest = 3;
  for (const Run& run : runs) widest = std::max(widest, run.name.size());
  const int name_width = static_cast<int>(widest);
  const bool audited =
      std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.audit.has_value(); });
  std::string out = print("%-*s  epochs", name_width, "run");
  for (const Column& column : kColumns) out += print("%*s", width_of(column), column.heading);
  if (audited) out += "   max |norm-1|   max tangency  shortened  held";
  out += '\n';
  for (const Run& run : runs) {
    const Json& last = run.epochs.back();
    out += print("%-*s  %6.0f", name_width, run.name.c_str(), value(run, last, "epoch"));
    for (const Column& column : kColumns)
      out += print(column.format, column.factor * value(run, last, column.key));
    if (run.audit)
      out += print("%15.2e%15.2e%11lld%6lld", run.audit->norm_deviation, run.audit->tangency,
                   static_cast<long long>(run.audit->shortened),
                   static_cast<long long>(run.audit->held));
    out += '\n';
  }
  return out;
}

Json to_json(const std::vector<Run>& runs) {
  Json out = Json::array();
  for (const Run& run : runs) {
    Json one{{"name", run.name}, {"config", run.config}, {"last_epoch", run.epochs.back()}};
    if (run.audit)
      one["audit"] = {{"norm_deviation", run.audit->norm_deviation},
                      {"tangency", run.audit->tangency},
                      {"shortened", run.audit->shortened},
                      {"held", run.audit->held}};
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace rho::compare
