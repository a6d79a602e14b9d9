#include "tools/dynamics/experiments.h"
#include "tools/dynamics/order.h"

namespace rho::dynamics {
namespace {

using Style = Curve::Style;

const Vector kStart{1.5, -1.0};
constexpr double kDescentEnd = 20.0;
constexpr std::size_t kMarkEvery = 10;  // what coincides with a line is drawn as marks on it

// Every optimizer whose path is that of a flow while its learning rate is small.
constexpr struct {
  const char *optimizer, *flow;
} kMethods[] = {{"sgd", "gradient"},
                {"polar-gradient", "gradient"},
                {"weight-normalization", "weight-normalization"},
                {"tangent-gradient", "weight-normalization"},
                {"coefficient-normalization", "weight-normalization"},
                {"lagrange-multiplier", "weight-normalization"},
                {"true-gradient", "weight-normalization"}};

// Both weights over time, and one against the other.
void add_curves(Report& report, const Trajectory& path, const std::string& title, Style style) {
  const std::size_t every = style == Style::Points ? kMarkEvery : 1;
  Curve first{"first weight: " + title, {}, {}, style};
  Curve second{"second weight: " + title, {}, {}, style}, plane{title, {}, {}, style};
  for (std::size_t i = 0; i < path.t.size(); i += every) {
    first.x.push_back(path.t[i]);
    second.x.push_back(path.t[i]);
    first.y.push_back(path.w[i][0]);
    second.y.push_back(path.w[i][1]);
  }
  plane.x = first.y;
  plane.y = second.y;
  report.panels[0].curves.insert(report.panels[0].curves.end(), {first, second});
  report.panels[1].curves.push_back(plane);
}

}  // namespace

Report trajectories(const TrajectoriesOptions& options) {
  NetworkSystem system({2, {0.5, 1.0, -0.6, -0.1}, {1.0, -1.0}}, options.loss, {2, 1}, false);
  Report report{.experiment = "theory3-1",
                .title = "a linear network of two parameters, two examples"};
  report.panels = {
      {.title = "Both weights over time", .x_label = "time", .y_label = "weight", .log_x = true},
      {.title = "The same in the plane", .x_label = "first weight", .y_label = "second weight"}};
  const Vector times = log_times(1e-2, options.t_end, 200);
  const auto run = [&](const char* flow) {
    return integrate(*make_flow(flow, system), kStart, times);
  };
  const Trajectory plain = run("gradient"), polar = run("polar-gradient"),
                   normalized = run("weight-normalization");
  add_curves(report, plain, "gradient flow", Style::Line);
  add_curves(report, polar, "its (rho, V) form", Style::Points);
  add_curves(report, normalized, "weight normalization", Style::Line);
  report.rows = {{"largest distance: gradient flow, its (rho, V) form",
                  {largest_distance(plain, polar), kNone},
                  0.0,
                  "all times"},
                 {"largest distance: gradient flow, weight normalization",
                  {largest_distance(plain, normalized), kNone},
                  kNone,
                  "all times"}};
  for (const auto& method : kMethods)
    report.rows.push_back(
        {std::string(method.optimizer) + " to " + method.flow + " flow: order in lr",
         order_in_rate(system, kStart, method.optimizer, method.flow, kDescentEnd), 1.0,
         "lr 0.005 ... 0.04, t <= 20"});
  return report;
}

}  // namespace rho::dynamics
