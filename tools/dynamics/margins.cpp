#include <cstdio>

#include "tools/dynamics/experiments.h"
#include "tools/dynamics/hard_margin.h"
#include "tools/dynamics/integrate.h"

namespace rho::dynamics {
namespace {

struct Named {
  std::string flow, title;
  bool converges;
};

// A designed rho = C log(1 + t) drives V by rho e^(-rho m) ~ t^(-C m) log t near the margin m,
// whose integral over time is infinite for C m <= 1 only: a faster rho stops V before it arrives.
std::vector<Named> flows(double margin) {
  const auto logarithm = [&](double c) { return "log:" + std::to_string(c / margin); };
  return {{"gradient", "gradient", true},
          {"weight-normalization", "weight normalization", true},
          {logarithm(1.0), "rho = log(1 + t) / m", true},
          {logarithm(2.0), "rho = 2 log(1 + t) / m", false},
          {"linear:1", "rho = t", false}};
}

void add_set(Report& report, const std::string& name, const Examples& examples,
             const MarginsOptions& options) {
  const HardMargin limit = hard_margin(examples);
  LinearSystem system(examples, options.loss);
  constexpr std::size_t kSamples = 200;
  constexpr Accuracy kAccuracy{1e-8, 1e-11};
  const Vector times = log_times(1.0, options.t_end, kSamples);
  report.rows.push_back({name + ": hard margin m by libsvm",
                         {limit.margin, kNone},
                         kNone,
                         std::to_string(limit.supports) + " support vectors"});
  Panel panel{.title = name,
              .x_label = "time",
              .y_label = "tangent of the angle to the hard-margin direction",
              .log_x = true,
              .log_y = true,
              .key = "bottom left"};
  for (const Named& of : flows(limit.margin)) {
    const Trajectory path =
        integrate(*make_flow(of.flow, system), alternating(examples.inputs), times, kAccuracy);
    Curve curve{of.title, times, {}};
    Vector log_rho, log_error;
    for (std::size_t i = 0; i < times.size(); ++i) {
      curve.y.push_back(tangent(path.w[i], limit.direction));
      if (times[i] < std::sqrt(options.t_end)) continue;
      log_rho.push_back(std::log(norm(path.w[i])));
      log_error.push_back(-std::log(curve.y.back()));
    }
    const std::string label = name + ", " + of.title + ": ";
    report.rows.insert(
        report.rows.end(),
        {{label + "p in error = a rho^-p", fit_line(log_rho, log_error).slope,
          of.converges ? 1.0 : 0.0, "later half"},
         {label + "error", {curve.y.back(), kNone}, of.converges ? 0.0 : kNone, "at the end"},
         {label + "margin / m",
          {system.normalized_margin(path.w.back()) / limit.margin, kNone},
          of.converges ? 1.0 : kNone,
          "at the end"}});
    panel.curves.push_back(curve);
  }
  report.panels.push_back(panel);
}

}  // namespace

Report margins(const MarginsOptions& options) {
  Report report{.experiment = "hard-margin",
                .title = "directions of flows with growing rho, and the support vector machine"};
  add_set(report, "two clouds", two_clouds(options.examples, options.seed), options);
  add_set(report, "IRIS", iris(options.bias), options);
  report.notes = {
      "p is 1 in the limit where several support vectors share the margin; one support vector "
      "alone "
      "lets flows on the sphere converge faster, and examples close to the margin disturb for "
      "long.",
      "A rho that grows faster than log(t) / m stops the direction before it arrives: p = 0."};
  return report;
}

}  // namespace rho::dynamics
