#include <cstdio>

#include "tools/dynamics/experiments.h"
#include "tools/dynamics/hard_margin.h"
#include "tools/dynamics/integrate.h"

namespace rho::dynamics {
namespace {

constexpr std::size_t kSamples = 300;
constexpr double kFitFrom = 1e4;  // before it the start still shows

// The distance ||v(t) - v*|| along a flow.
struct Errors {
  Vector t, error;
};

// One example: the flow stays in the plane of x and w(0), and in the coordinates along and across x
// the angle keeps all its digits however small it becomes.
Errors one_example(const std::string& name, Loss loss, double length, double along, double across,
                   const Vector& times) {
  LinearSystem system({2, {length, 0.0}, {1.0}}, loss);
  const Trajectory path =
      integrate(*make_flow(name, system), {along, across}, times, {1e-11, 0.0});
  Errors out{times, {}};
  for (const Vector& w : path.w)
    out.error.push_back(2.0 * std::sin(std::atan2(std::abs(w[1]), w[0]) / 2.0));
  return out;
}

Errors all_examples(const std::string& name, Loss loss, const Examples& examples,
                    const Vector& start, const Vector& limit, const Vector& times) {
  LinearSystem system(examples, loss);
  const Trajectory path = integrate(*make_flow(name, system), start, times, {1e-9, 1e-12});
  Errors out{times, {}};
  for (const Vector& w : path.w) out.error.push_back(distance(direction(w), limit));
  return out;
}

// fit_line(x(t), y(error)) over the later times.
template <class X, class Y>
Line fit(const Errors& of, X x, Y y) {
  Vector abscissa, ordinate;
  for (std::size_t i = 0; i < of.t.size(); ++i) {
    if (of.t[i] < kFitFrom) continue;
    abscissa.push_back(x(of.t[i]));
    ordinate.push_back(y(of.error[i]));
  }
  return fit_line(abscissa, ordinate);
}

// 1 / error is a straight line in log t: the error falls like 1 / log t (TheoryIII eq. 85).
Line fit_logarithm(const Errors& of) {
  return fit(of, [](double t) { return std::log(t); }, [](double e) { return 1.0 / e; });
}

// log error is a straight line in (log tau)^2 / 2, with tau = ||x||^2 t (TheoryIII eq. 86, where
// ||x|| = 1: the error falls like t^(-log(t) / 2)).
Line fit_power_of_logarithm(const Errors& of, double length) {
  return fit(
      of, [=](double t) { return 0.5 * std::pow(std::log(length * length * t), 2); },
      [](double e) { return std::log(e); });
}

// p, where the error falls like (log t)^-p.
Line fit_exponent(const Errors& of) {
  return fit(
      of, [](double t) { return std::log(std::log(t)); }, [](double e) { return -std::log(e); });
}

}  // namespace

Report directions(const DirectionsOptions& options) {
  const Examples flowers = iris(options.bias);
  check(options.example >= 1 && options.example <= static_cast<int>(flowers.count()), "theory3-3",
        "example ", options.example, ", expected 1 to ", flowers.count());
  const auto chosen = static_cast<std::size_t>(options.example - 1);
  Vector x(flowers.example(chosen).begin(), flowers.example(chosen).end());
  for (double& value : x) value *= flowers.y[chosen];
  Vector start(x.size());
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = i % 2 == 0 ? 0.5 : -0.5;
  const double along = dot(start, direction(x));
  const double across = std::sqrt(dot(start, start) - along * along);
  const Vector times = log_times(1.0, options.t_end, kSamples);
  const HardMargin limit = hard_margin(flowers);

  Report report{"theory3-3", "direction of a linear network on IRIS", {}, {}, {}};
  Panel gradient{"Gradient flow", "time", "distance to the limit direction", true, true,
                 "bottom left", {}, {}};
  Panel sphere{"Weight normalization", "time", "distance to the limit direction", true, true,
               "bottom left", {}, {}};
  for (const double length : {1.0, norm(x)}) {
    char name[64];
    std::snprintf(name, sizeof name, "example %d, norm %.3g", options.example, length);
    const Errors plain =
        one_example("gradient", options.loss, length, along, across, times);
    const Errors normalized =
        one_example("weight-normalization", options.loss, length, along, across, times);
    report.rows.push_back({std::string(name) + ", gradient: 1/error = a + b log t, b",
                           fit_logarithm(plain).slope, 1.0 / (length * across)});
    report.rows.push_back({std::string(name) + ", weight norm.: log error = a + b (log tau)^2/2, b",
                           fit_power_of_logarithm(normalized, length).slope,
                           -1.0 / (length * length)});
    gradient.curves.push_back({name, plain.t, plain.error});
    sphere.curves.push_back({name, normalized.t, normalized.error});
  }
  for (Panel* panel : {&gradient, &sphere}) {
    const std::string flow = panel == &gradient ? "gradient" : "weight-normalization";
    const Errors all =
        all_examples(flow, options.loss, flowers, start, limit.direction, times);
    panel->curves.push_back({"all 100 examples", all.t, all.error});
    report.rows.push_back({"all 100, " + flow + ": error = a (log t)^-p, p",
                           fit_exponent(all).slope, 1.0});
    report.rows.push_back({"all 100, " + flow + ": final",
                           {all.error.back(), kNone}});
  }
  report.panels = {gradient, sphere};
  return report;
}

}  // namespace rho::dynamics
