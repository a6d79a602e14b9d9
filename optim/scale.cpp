#include "optim/scale.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "tensor/error.h"
#include "tensor/text.h"

namespace rho::optim {
namespace {

using kernels::ScaleRule;

class Learned final : public Scale {
 public:
  Learned(double rho_lr, double weight_decay) : rho_lr_(rho_lr), weight_decay_(weight_decay) {}
  ScaleRule rule(const ScaleStep& step) const override {
    const double rate = rho_lr_ < 0.0 ? step.lr : rho_lr_;
    return {.keep = 1.0 - rate * weight_decay_, .along = -rate};
  }

 private:
  double rho_lr_, weight_decay_;
};

/// rho_0 and a function of the number of steps.
class Designed final : public Scale {
 public:
  explicit Designed(std::function<double(double)> growth) : growth_(std::move(growth)) {}
  ScaleRule rule(const ScaleStep& step) const override {
    return {.keep = 0.0, .start = 1.0, .shift = growth_(step.steps)};
  }

 private:
  std::function<double(double)> growth_;
};

class Adaptive final : public Scale {
 public:
  explicit Adaptive(double factor) : factor_(factor) {}
  ScaleRule rule(const ScaleStep& step) const override {
    if (!(step.margin > 0.0)) return {};
    const double wanted = factor_ * std::log1p(step.steps) / step.margin;
    return {.keep = std::pow(std::clamp(wanted, 1.0, 1.01), 1.0 / step.layers)};
  }
  bool uses_margin() const override { return true; }

 private:
  double factor_;
};

std::unique_ptr<Scale> parse_designed(const std::string& text) {
  if (text == "fixed") return std::make_unique<Designed>([](double) { return 0.0; });
  const std::vector<std::string> fields = split(text, ':');
  const auto number = fields.size() == 2 ? parse_number<double>(fields[1]) : std::nullopt;
  if (!number) return nullptr;
  if (fields[0] == "linear")
    return std::make_unique<Designed>([c = *number](double steps) { return c * steps; });
  if (fields[0] == "log")
    return std::make_unique<Designed>(
        [c = *number](double steps) { return c * std::log1p(steps); });
  if (fields[0] == "margin" && *number > 0.0) return std::make_unique<Adaptive>(*number);
  return nullptr;
}

}  // namespace

std::unique_ptr<Scale> make_scale(const std::string& text, double rho_lr, double weight_decay,
                                  const std::string& op) {
  check(weight_decay >= 0.0 && std::isfinite(weight_decay), op, "weight_decay is ", weight_decay,
        ", expected >= 0 and finite");
  check(std::isfinite(rho_lr), op, "rho_lr is ", rho_lr, ", expected a finite number");
  if (text == "learned") return std::make_unique<Learned>(rho_lr, weight_decay);
  std::unique_ptr<Scale> scale = parse_designed(text);
  check(scale != nullptr, op, "rho is \"", text,
        "\", expected learned, fixed, linear:RATE, log:C or margin:C with C > 0");
  check(weight_decay == 0.0, op, "weight_decay acts on a learned rho, but rho is ", text);
  return scale;
}

}  // namespace rho::optim
