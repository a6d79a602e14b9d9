#include <algorithm>

#include "tools/dynamics/descent.h"
#include "tools/dynamics/experiments.h"
#include "tools/dynamics/growth_law.h"

namespace rho::dynamics {
namespace {

constexpr double kFitFrom = 1e3;  // before it the start still shows
constexpr double kDescentRate = 0.02, kDescentEnd = 100.0;

// rho and the norm of a layer along a trajectory.
struct Norms {
  Vector product, layer;
};

Norms norms(const System& system, const Trajectory& of) {
  Norms out;
  for (const Vector& w : of.w) {
    out.product.push_back(system.rho(w));
    out.layer.push_back(system.norms(w).front());
  }
  return out;
}

double largest_relative_difference(const Vector& a, const Vector& b) {
  double out = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] / b[i] - 1.0));
  return out;
}

}  // namespace

// With R = e^rho, TheoryIII eq. 64 says dR/dt = K (log R)^(2 - 2 / K) for x = 1.
Report growth(const GrowthOptions& options) {
  Report report{.experiment = "theory3-2", .title = "K layers of one weight each, one example"};
  report.panels = {
      {.title = "Product of the layers", .x_label = "time", .y_label = "rho", .log_x = true},
      {.title = "One layer", .x_label = "time", .y_label = "norm of the layer", .log_x = true}};
  constexpr std::size_t kSamples = 400;
  const Vector times = log_times(1.0, options.t_end, kSamples);
  for (int k = 1; k <= options.layers; ++k) {
    const auto layers = static_cast<std::size_t>(k);
    NetworkSystem system({1, {1.0}, {1.0}}, options.loss, std::vector<std::int64_t>(layers + 1, 1),
                         false);
    const Vector start(layers, 1.0);
    const auto flow = make_flow("gradient", system);
    const Norms path = norms(system, integrate(*flow, start, times));
    const Trajectory descent =
        descend(system, start, {.name = "sgd", .lr = kDescentRate}, log_times(1.0, kDescentEnd, 9));
    const Norms steps = norms(system, descent);
    const Norms exact = norms(system, integrate(*flow, start, descent.t));

    const std::string label = "K = " + std::to_string(k) + ": ";
    const Line line = fit_growth(times, path.product, kFitFrom);
    const double c = std::exp(line.intercept.value);
    report.rows.insert(
        report.rows.end(),
        {{label + "q in dR/dt = c (log R)^q, R = e^rho", line.slope, 2.0 - 2.0 / k, "t >= 1e3"},
         {label + "c", {c, c * line.intercept.half_width}, static_cast<double>(k), "t >= 1e3"},
         {label + "rho / log t",
          {path.product.back() / std::log(options.t_end), kNone},
          k == 1 ? 1.0 : kNone,
          "at the end"},
         {label + "norm of a layer", {path.layer.back(), kNone}, kNone, "at the end"},
         {label + "rho, descent against flow: relative difference",
          {largest_relative_difference(steps.product, exact.product), kNone},
          0.0,
          "sgd, lr 0.02, t <= 100"}});
    const std::string name = k == 1 ? "1 layer" : std::to_string(k) + " layers";
    const char* marks = k == 1 ? "descent by sgd" : "";
    report.panels[0].curves.push_back({name, times, path.product});
    report.panels[0].curves.push_back({marks, descent.t, steps.product, Curve::Style::Points});
    report.panels[1].curves.push_back({name, times, path.layer});
    report.panels[1].curves.push_back({marks, descent.t, steps.layer, Curve::Style::Points});
  }
  report.notes = {
      "The product grows faster than log t, a layer slower. The factor c is K: TheoryIII eq. 66-68 "
      "have K^2."};
  return report;
}

}  // namespace rho::dynamics
