#include <algorithm>

#include "tools/dynamics/descent.h"
#include "tools/dynamics/experiments.h"

namespace rho::dynamics {
namespace {

using Style = Curve::Style;

const Vector kStart{1.5, -1.0};
constexpr double kDescentEnd = 20.0;
constexpr double kRates[] = {0.08, 0.04, 0.02, 0.01};

struct Method {
  const char *flow, *optimizer, *title;
};
constexpr Method kMethods[] = {
    {"gradient", "sgd", "gradient flow"},
    {"polar-gradient", "sgd", "its (rho, V) form"},
    {"weight-normalization", "tangent-gradient", "weight normalization"}};

double largest_distance(const Trajectory& a, const Trajectory& b) {
  double out = 0.0;
  for (std::size_t i = 0; i < a.w.size(); ++i) out = std::max(out, distance(a.w[i], b.w[i]));
  return out;
}

Vector coordinate(const Trajectory& of, std::size_t index, std::size_t every = 1) {
  Vector out;
  for (std::size_t i = 0; i < of.w.size(); i += every) out.push_back(of.w[i][index]);
  return out;
}

// The order in the learning rate of the distance between descent and its flow.
Row order_row(NetworkSystem& system, const Method& method) {
  const auto flow = make_flow(method.flow, system);
  Vector log_rates, log_distances;
  for (const double lr : kRates) {
    const Trajectory descent = descend(system, kStart, {.name = method.optimizer, .lr = lr},
                                       log_times(0.32, kDescentEnd, 12));
    const Trajectory exact = integrate(*flow, kStart, descent.t);
    log_rates.push_back(std::log(lr));
    log_distances.push_back(std::log(largest_distance(exact, descent)));
  }
  return {std::string("order in lr, optimizer ") + method.optimizer,
          fit_line(log_rates, log_distances).slope, 1.0, "lr 0.01 ... 0.08, t <= 20"};
}

}  // namespace

Report trajectories(const TrajectoriesOptions& options) {
  const Examples examples{2, {0.5, 1.0, -0.6, -0.1}, {1.0, -1.0}};
  NetworkSystem system(examples, options.loss, {2, 1}, false);
  Report report{"theory3-1", "a linear network of two parameters, two examples", {}, {}, {}};
  Panel time{"Both weights over time", "time", "weight", true, false, "top left", {}, {}};
  Panel plane{"The same in the plane, and descent", "first weight", "second weight", false, false,
              "top left", {}, {}};

  const Vector times = log_times(1e-2, options.t_end, 200);
  std::vector<Trajectory> flows;
  for (const Method& method : kMethods) {
    flows.push_back(integrate(*make_flow(method.flow, system), kStart, times));
    report.rows.push_back(order_row(system, method));

    // What coincides with a line is drawn as points on it.
    const bool on_line = flows.size() == 2;
    const std::size_t every = on_line ? 10 : 1;
    const Style style = on_line ? Style::Points : Style::Line;
    Vector t;
    for (std::size_t i = 0; i < times.size(); i += every) t.push_back(times[i]);
    for (const std::size_t i : {0U, 1U})
      time.curves.push_back({i == 0 ? method.title : "", t, coordinate(flows.back(), i, every),
                             style});
    plane.curves.push_back({method.title, coordinate(flows.back(), 0, every),
                            coordinate(flows.back(), 1, every), style});
  }
  const std::string over = "t <= " + std::to_string(static_cast<long long>(options.t_end));
  report.rows.insert(
      report.rows.begin(),
      {{"largest distance: gradient flow, its (rho, V) form",
        {largest_distance(flows[0], flows[1]), kNone}, 0.0, over},
       {"largest distance: gradient flow, weight normalization",
        {largest_distance(flows[0], flows[2]), kNone}, kNone, over}});
  report.panels = {time, plane};
  return report;
}

}  // namespace rho::dynamics
