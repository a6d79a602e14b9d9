#include <algorithm>

#include "tools/dynamics/descent.h"
#include "tools/dynamics/experiments.h"

namespace rho::dynamics {
namespace {

constexpr std::size_t kSamples = 400;
constexpr double kDescentRate = 0.02, kDescentEnd = 100.0;

struct Curves {
  Vector product, layer;
};

Curves norms(const System& system, const Trajectory& of) {
  Curves out;
  for (const Vector& w : of.w) {
    out.product.push_back(system.rho(w));
    out.layer.push_back(system.norms(w).front());
  }
  return out;
}

// With R = e^rho, TheoryIII eq. 64 says dR/dt = K (log R)^(2 - 2 / K) for x = 1. Central differences
// of rho in s = log(1 + t) give log(dR/dt) without using that equation.
Line fit_growth(const Vector& t, const Vector& rho) {
  Vector x, y;
  for (std::size_t i = 1; i + 1 < t.size(); ++i) {
    if (t[i] < 1e3) continue;
    const double slope =
        (rho[i + 1] - rho[i - 1]) / (std::log1p(t[i + 1]) - std::log1p(t[i - 1]));
    x.push_back(std::log(rho[i]));
    y.push_back(rho[i] + std::log(slope) - std::log1p(t[i]));
  }
  return fit_line(x, y);
}

}  // namespace

Report growth(const GrowthOptions& options) {
  Report report{"theory3-2", "layers of one weight each, one example", {}, {}, {}};
  Panel product{"Product of the layers", "time", "rho", true, false, "top left", {}, {}};
  Panel layer{"One layer", "time", "norm of a layer", true, false, "top left", {}, {}};
  const Vector times = log_times(1.0, options.t_end, kSamples);
  for (int k = 1; k <= options.layers; ++k) {
    NetworkSystem system({1, {1.0}, {1.0}}, options.loss,
                         std::vector<std::int64_t>(static_cast<std::size_t>(k) + 1, 1), false);
    const Vector start(static_cast<std::size_t>(k), 1.0);
    const auto flow = make_flow("gradient", system);
    const Curves exact = norms(system, integrate(*flow, start, times));
    const Trajectory descent = descend(system, start, {.name = "sgd", .lr = kDescentRate},
                                       log_times(1.0, kDescentEnd, 9));
    const Curves steps = norms(system, descent);
    const Curves there = norms(system, integrate(*flow, start, descent.t));
    double error = 0.0;
    for (std::size_t i = 0; i < descent.t.size(); ++i)
      error = std::max(error, std::abs(steps.product[i] / there.product[i] - 1.0));

    const std::string label = "K = " + std::to_string(k) + ": ";
    const Line line = fit_growth(times, exact.product);
    const double prefactor = std::exp(line.intercept.value);
    report.rows.push_back(
        {label + "exponent q of dR/dt = c (log R)^q", line.slope, 2.0 - 2.0 / k, "t >= 1e3"});
    report.rows.push_back({label + "factor c",
                           {prefactor, prefactor * line.intercept.half_width},
                           static_cast<double>(k),
                           "t >= 1e3"});
    report.rows.push_back(
        {label + "rho / log t", {exact.product.back() / std::log(options.t_end), kNone},
         k == 1 ? 1.0 : kNone, "at the end"});
    report.rows.push_back({label + "norm of a layer", {exact.layer.back(), kNone}, kNone,
                           "at the end"});
    report.rows.push_back({label + "rho by descent / by the flow - 1", {error, kNone}, 0.0,
                           "largest, lr 0.02, t <= 100"});
    const std::string name = k == 1 ? "1 layer" : std::to_string(k) + " layers";
    product.curves.push_back({name, times, exact.product});
    layer.curves.push_back({name, times, exact.layer});
    product.curves.push_back({k == 1 ? "descent, sgd" : "", descent.t, steps.product,
                              Curve::Style::Points});
    layer.curves.push_back({"", descent.t, steps.layer, Curve::Style::Points});
  }
  report.panels = {product, layer};
  return report;
}

}  // namespace rho::dynamics
