#include <cstdio>

#include "tools/dynamics/experiments.h"
#include "tools/dynamics/hard_margin.h"
#include "tools/dynamics/integrate.h"

namespace rho::dynamics {
namespace {

// Where an angle is smaller, its digits are lost with those of the smallest doubles.
constexpr double kFloor = 1e-280;
constexpr const char* kFlows[] = {"gradient", "weight-normalization"};
constexpr const char* kLaws[] = {"law 1 / (a + b log t)", "law exp(a + b (log {/Symbol t})^2 / 2)"};
constexpr double kLawFrom = 10.0;  // where laws are drawn from
constexpr const char* kTitles[] = {"Gradient flow", "Weight normalization"};

using Function = double (*)(double);

double log_of_log(double t) { return std::log(std::log(t)); }
double half_squared_log(double t) { return 0.5 * std::log(t) * std::log(t); }
double log_of(double value) { return std::log(value); }
double minus_log(double value) { return -std::log(value); }
double inverse(double value) { return 1.0 / value; }

// The tangent of the angle to the limit direction along one flow.
struct Path {
  Vector t, error;

  // The line y(error) = a + b x(unit t), over the later half of the log time above the floor.
  Line fit(Function x, Function y, double unit = 1.0) const {
    std::size_t end = t.size();
    while (end > 0 && error[end - 1] < kFloor) --end;
    Vector abscissa, ordinate;
    for (std::size_t i = 0; i < end; ++i) {
      if (t[i] < std::sqrt(t[end - 1])) continue;
      abscissa.push_back(x(unit * t[i]));
      ordinate.push_back(y(error[i]));
    }
    return fit_line(abscissa, ordinate);
  }
  Curve curve(const std::string& title) const { return {title, t, error}; }
};

Path follow(const std::string& flow, System& system, const Vector& start, const Vector& limit,
            const Vector& times, Accuracy accuracy) {
  const Trajectory path = integrate(*make_flow(flow, system), start, times, accuracy);
  Path out{times, {}};
  for (const Vector& w : path.w) out.error.push_back(tangent(w, limit));
  return out;
}

// One example of norm `length`: all stays in the plane of x and the start, and coordinates along
// and across x keep every digit of the angle. rho ||x|| = log(||x||^2 t) is the natural time.
void add_example(Report& report, const DirectionsOptions& options, const Vector& x, double length,
                 const Vector& times) {
  const Vector start = alternating(x.size());
  const double along = dot(start, direction(x));
  const double across = std::sqrt(dot(start, start) - along * along);
  LinearSystem system({2, {length, 0.0}, {1.0}}, options.loss);
  char text[64];
  std::snprintf(text, sizeof text, "example %d, ||x|| = %.3g", options.example, length);
  const std::string name = text;
  const double slopes[] = {1.0 / (length * across), -1.0 / (length * length)};
  const std::string rows[] = {", gradient: b in 1/error = a + b log t",
                              ", weight norm.: b in log error = a + b (log tau)^2 / 2"};
  for (const std::size_t i : {0U, 1U}) {
    const Path path =
        follow(kFlows[i], system, {along, across}, {1.0, 0.0}, times, {1e-11, 1e-300});
    const double unit = i == 0 ? 1.0 : length * length;
    const Function x_of = i == 0 ? log_of : half_squared_log;
    const Line line = path.fit(x_of, i == 0 ? inverse : log_of, unit);
    report.rows.push_back({name + rows[i], line.slope, slopes[i], "later half"});
    Curve law{length == 1.0 ? kLaws[i] : "", {}, {}, Curve::Style::Law};
    for (const double t : times) {
      const double value = line.intercept.value + slopes[i] * x_of(unit * t);
      if (t < kLawFrom) continue;
      law.x.push_back(t);
      law.y.push_back(i == 0 ? 1.0 / value : std::exp(value));
    }
    report.panels[i].curves.push_back(path.curve(name));
    report.panels[i].curves.push_back(law);
  }
}

void add_all(Report& report, const DirectionsOptions& options, const Examples& flowers,
             const Vector& times) {
  const HardMargin limit = hard_margin(flowers);
  LinearSystem system(flowers, options.loss);
  for (const std::size_t i : {0U, 1U}) {
    const Path path = follow(kFlows[i], system, alternating(flowers.inputs), limit.direction, times,
                             {1e-9, 1e-12});
    report.panels[i].curves.push_back(path.curve("all 100 examples"));
    const std::string name = std::string("all 100, ") + (i == 0 ? "gradient" : "weight norm.");
    report.rows.insert(report.rows.end(),
                       {{name + ": p in error = a (log t)^-p",
                         path.fit(log_of_log, minus_log).slope, 1.0, "later half"},
                        {name + ": R2 of 1/error = a + b log t",
                         {path.fit(log_of, inverse).r2, kNone},
                         1.0,
                         "later half"},
                        {name + ": R2 of log error = a + b (log t)^2 / 2",
                         {path.fit(half_squared_log, log_of).r2, kNone},
                         kNone,
                         "later half"},
                        {name + ": error", {path.error.back(), kNone}, 0.0, "at the end"}});
  }
}

}  // namespace

Report directions(const DirectionsOptions& options) {
  const Examples flowers = iris(options.bias);
  check(options.example >= 1 && options.example <= static_cast<int>(flowers.count()), "theory3-3",
        "example ", options.example, ", expected 1 to ", flowers.count());
  const auto chosen = static_cast<std::size_t>(options.example - 1);
  Vector x(flowers.example(chosen).begin(), flowers.example(chosen).end());
  for (double& value : x) value *= flowers.y[chosen];
  constexpr std::size_t kSamples = 300;
  const Vector times = log_times(1.0, options.t_end, kSamples);

  Report report{.experiment = "theory3-3",
                .title = "direction of a linear network on IRIS, setosa against versicolor"};
  for (const char* title : kTitles)
    report.panels.push_back({.title = title,
                             .x_label = "time",
                             .y_label = "tangent of the angle to the limit direction",
                             .log_x = true,
                             .log_y = true,
                             .key = "bottom left"});
  report.panels[1].key = "bottom right";
  report.panels[1].commands = "set yrange [1e-20:2]\n";
  add_example(report, options, x, 1.0, times);
  add_example(report, options, x, norm(x), times);
  add_all(report, options, flowers, times);
  report.notes = {
      "tau = ||x||^2 t: TheoryIII's t^(-log(t) / 2) is the law of an example of norm 1.",
      "With several support vectors weight normalization follows 1 / log t too: at a finite rho "
      "the "
      "minimum on the sphere is O(1 / rho) away from the hard margin."};
  return report;
}

}  // namespace rho::dynamics
