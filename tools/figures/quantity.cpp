#include "tools/figures/quantity.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace rho::figures {
namespace {

struct Known {
  const char* column;  ///< "*" stands for train or test
  const char* label;   ///< "*" for training or test
  const char* unit;
  double factor;
};

constexpr Known kKnown[] = {
    {"epoch", "epoch", "", 1.0},
    {"init-std", "standard deviation of the initial weights", "", 1.0},
    {"subset", "training examples", "", 1.0},
    {"corrupt", "share of corrupted labels", "", 1.0},
    {"parameters", "trained parameters", "", 1.0},
    {"lr", "learning rate", "", 1.0},
    {"*_loss", "* cross-entropy", "nats", 1.0},
    {"*_cross_entropy", "* cross-entropy", "nats", 1.0},
    {"*_error", "* error", "%", 100.0},
    {"*_normalized_cross_entropy", "normalized * cross-entropy", "nats", 1.0},
    {"*_normalized_cross_entropy_minus_log_classes", "normalized * cross-entropy − ln C", "nats",
     1.0},
    {"*_output_normalized_cross_entropy", "* cross-entropy over the norm of one output", "nats",
     1.0},
    {"*_mean_centred_margin", "normalized * mean centred margin", "", 1.0},
    {"*_normalized_mean_centred_margin", "normalized * mean centred margin", "", 1.0},
    {"generalization_gap_error", "test − training error", "%", 100.0},
    {"generalization_gap_normalized", "normalized test − training cross-entropy", "nats", 1.0},
    {"objective", "minimized loss", "", 1.0},
    {"log_rho", "ln ρ", "", 1.0},
    {"margin", "margin", "", 1.0},
    {"normalized_margin", "normalized margin", "", 1.0},
    {"winning_output", "largest output", "", 1.0},
    {"normalized_winning_output", "largest output, normalized", "", 1.0},
    {"min_margin", "smallest training margin", "", 1.0},
    {"min_normalized_margin", "smallest normalized training margin", "", 1.0},
    {"median_normalized_margin", "median normalized training margin", "", 1.0},
};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

bool find(const std::string& column, Quantity& out) {
  for (const Known& known : kKnown)
    for (const auto& [split, name] : {std::pair{"train", "training"}, std::pair{"test", "test"}})
      if (replaced(known.column, "*", split) == column) {
        out = {replaced(known.label, "*", name), known.unit, known.factor};
        return true;
      }
  return false;
}

// "MEASURE.test.error" -> "test_error"; "MEASURE.log_rho" -> "log_rho".
std::string without_measure(const std::string& column) {
  const std::size_t dot = column.find('.');
  if (dot == std::string::npos) return column;
  return replaced(column.substr(dot + 1), ".", "_");
}

std::string superscript(const std::string& digits) {
  constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out;
  for (const char c : digits) out += c == '-' ? "⁻" : kDigits[c - '0'];
  return out;
}

}  // namespace

Quantity quantity(const std::string& column) {
  if (column.starts_with('-')) {
    Quantity out = quantity(column.substr(1));
    out.label = "−" + out.label;
    return out;
  }
  Quantity out;
  if (find(column, out) || find(without_measure(column), out)) return out;
  if (column.starts_with("layer_norms.")) return {"norm of " + column.substr(12), "", 1.0};
  return {column, "", 1.0};
}

std::string title_of(const Quantity& quantity) {
  if (quantity.unit.empty()) return quantity.label;
  return quantity.label + (quantity.label.empty() ? "[" : " [") + quantity.unit + "]";
}

std::string power_of_ten(int exponent) { return "10" + superscript(std::to_string(exponent)); }

std::string pretty(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "–" : value > 0 ? "∞" : "−∞";
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, std::abs(value));
  std::string out = buffer.data();
  const std::size_t e = out.find('e');
  if (e != std::string::npos)
    out = out.substr(0, e) + "×" + power_of_ten(std::atoi(out.c_str() + e + 1));
  return value < 0 ? "−" + out : out;
}

}  // namespace rho::figures
