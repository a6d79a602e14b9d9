#include "tools/support/stop_rules.h"

#include "tensor/error.h"
#include "tensor/text.h"

namespace rho::tools {

StopRules::StopRules(const std::string& text) {
  if (text.empty()) return;
  for (const std::string& rule : split(text, ',')) {
    const std::vector<std::string> parts = split(rule, ':');
    const bool on_error = parts[0] == "train-error";
    const std::optional<double> limit =
        parts.size() == 2 ? parse_number<double>(parts[1]) : std::nullopt;
    check((on_error || parts[0] == "train-loss") && limit && *limit >= 0, "stop", '"', rule,
          "\" is neither train-error:X nor train-loss:X with a number X >= 0");
    rules_.push_back({rule, on_error, *limit});
  }
}

std::optional<std::string> StopRules::met(double train_loss, double train_error) const {
  for (const Rule& rule : rules_)
    if ((rule.on_error ? train_error : train_loss) <= rule.limit) return rule.text;
  return std::nullopt;
}

}  // namespace rho::tools
