#include "tools/dynamics/experiments.h"
#include "tools/dynamics/hard_margin.h"
#include "tools/dynamics/integrate.h"

namespace rho::dynamics {
namespace {

constexpr std::size_t kSamples = 150;

}  // namespace

Report margins(const MarginsOptions& options) {
  Report report{"hard-margin", "directions of growing rho against the support vector machine", {},
                {}, {}};
  const std::pair<const char*, Examples> sets[] = {
      {"clouds", two_clouds(static_cast<std::size_t>(options.examples), options.seed)},
      {"IRIS", iris(options.bias)}};
  const Vector times = log_times(1.0, options.t_end, kSamples);
  for (const auto& [name, examples] : sets) {
    const HardMargin limit = hard_margin(examples);
    LinearSystem system(examples, options.loss);
    Panel panel{name, "rho", "distance to the hard-margin direction", true, true, "bottom left", {}, {}};
    Vector start(examples.inputs);
    for (std::size_t i = 0; i < start.size(); ++i) start[i] = i % 2 == 0 ? 0.5 : -0.5;
    report.rows.push_back({std::string(name) + ": hard margin", {limit.margin, kNone}, kNone, std::to_string(limit.supports) + " SV"});
    const double c = 1.0 / limit.margin;
    for (const std::string& flow : {std::string("gradient"), std::string("weight-normalization"), "log:" + std::to_string(c), "log:" + std::to_string(2 * c), std::string("linear:1")}) {
      const Trajectory path = integrate(*make_flow(flow, system), start, times, {1e-8, 1e-11});
      Curve curve{flow, {}, {}};
      Vector log_rho, log_error;
      for (std::size_t i = 0; i < times.size(); ++i) {
        curve.x.push_back(norm(path.w[i]));
        curve.y.push_back(distance(direction(path.w[i]), limit.direction));
        if (times[i] < 1e4) continue;
        log_rho.push_back(std::log(curve.x.back()));
        log_error.push_back(-std::log(curve.y.back()));
      }
      report.rows.push_back({std::string(name) + ", " + flow + ": p", fit_line(log_rho, log_error).slope, 1.0});
      report.rows.push_back({std::string(name) + ", " + flow + ": margin/hard", {system.normalized_margin(path.w.back()) / limit.margin, kNone}, 1.0});
      report.rows.push_back({std::string(name) + ", " + flow + ": error", {curve.y.back(), kNone}, 0.0});
      report.rows.push_back({std::string(name) + ", " + flow + ": error*rho", {curve.y.back()*curve.x.back(), kNone}, kNone});
      panel.curves.push_back(curve);
    }
    report.panels.push_back(panel);
  }
  return report;
}

}  // namespace rho::dynamics
