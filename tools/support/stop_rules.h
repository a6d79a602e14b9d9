// When a training ends before its last epoch.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace rho::tools {

/// What --stop says: "train-error:X" and "train-loss:X" hold after an epoch whose record has at
/// most X.
class StopRules {
 public:
  /// Rules separated by commas; none in an empty text. Throws, quoting the rule that is wrong.
  explicit StopRules(const std::string& text);

  /// The first rule that holds, as it was written; nothing where none does.
  std::optional<std::string> met(double train_loss, double train_error) const;

 private:
  struct Rule {
    std::string text;
    bool on_error;  // else on the loss
    double limit;
  };
  std::vector<Rule> rules_;
};

}  // namespace rho::tools
