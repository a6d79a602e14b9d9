#include <algorithm>

#include "nn/init.h"
#include "tools/dynamics/experiments.h"
#include "tools/dynamics/growth_law.h"
#include "tools/dynamics/order.h"

namespace rho::dynamics {
namespace {

constexpr double kDescentEnd = 1.0, kRateUnit = 0.1;

struct Method {
  const char *flow, *title;
  std::vector<const char*> optimizers;
};
const Method kMethods[] = {
    {"gradient", "gradient flow", {"sgd", "polar-gradient"}},
    {"weight-normalization", "weight normalization", {"weight-normalization", "tangent-gradient"}}};

// Every layer as nn::Linear is initialized, by He's rule.
Vector initial_weights(const std::vector<std::int64_t>& widths, std::int64_t seed) {
  Rng rng(static_cast<std::uint64_t>(seed), 1);
  Vector out;
  for (std::size_t k = 1; k < widths.size(); ++k) {
    const Tensor layer = nn::init_weight({widths[k], widths[k - 1]}, {}, rng, DType::Float64);
    const Vector values = layer.to_vector<double>();
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

double log_loss(const Vector& margins, Loss loss) {
  double sum = 0.0;
  for (const double m : margins)
    sum += loss == Loss::Exponential ? std::exp(-m) : std::log1p(std::exp(-m));
  return std::log(sum);
}

// What is measured along one flow.
struct Path {
  Vector margin;               ///< normalized
  Vector log_inverse;          ///< log(1 / L)
  std::vector<Vector> layers;  ///< [layer][time]
};

Path measure(System& system, const Trajectory& of, Loss loss) {
  Path out;
  out.layers.resize(system.layers().size());
  for (const Vector& w : of.w) {
    out.margin.push_back(system.normalized_margin(w));
    out.log_inverse.push_back(-log_loss(system.margins(w), loss));
    const Vector norms = system.norms(w);
    for (std::size_t k = 0; k < norms.size(); ++k) out.layers[k].push_back(norms[k]);
  }
  return out;
}

// The largest change of rho_k^2 - rho_1^2 since the start, over all layers and times.
double drift(const Path& of) {
  double out = 0.0;
  const auto difference = [&](std::size_t k, std::size_t i) {
    return of.layers[k][i] * of.layers[k][i] - of.layers[0][i] * of.layers[0][i];
  };
  for (std::size_t k = 1; k < of.layers.size(); ++k)
    for (std::size_t i = 0; i < of.margin.size(); ++i)
      out = std::max(out, std::abs(difference(k, i) - difference(k, 0)));
  return out;
}

// How far the normalized margin ever falls below what it has been, once all is classified.
double largest_fall(const Vector& margin) {
  double out = 0.0, peak = 0.0;
  for (const double value : margin) {
    peak = std::max(peak, value);
    out = std::max(out, peak - value);
  }
  return out;
}

}  // namespace

Report relu(const ReluOptions& options) {
  std::vector<std::int64_t> widths(static_cast<std::size_t>(options.layers), options.width);
  widths.insert(widths.begin(), 2);
  widths.back() = 1;
  NetworkSystem system(two_clouds(options.examples, options.seed), options.loss, widths, true);
  const Vector start = initial_weights(widths, options.seed);
  constexpr std::size_t kSamples = 200;
  constexpr Accuracy kAccuracy{1e-9, 1e-11};
  const Vector times = log_times(1e-2, options.t_end, kSamples);

  Report report{.experiment = "relu",
                .title = std::to_string(options.layers) + " layers with rectifiers, two clouds"};
  Panel margin{.title = "Normalized margin",
               .x_label = "time",
               .y_label = "smallest margin / rho",
               .log_x = true,
               .key = "bottom right"};
  Panel layers{.title = "Norms of the layers, gradient flow",
               .x_label = "time",
               .y_label = "norm of the layer",
               .log_x = true};
  for (const Method& method : kMethods) {
    const std::string name = method.flow;
    const Path path =
        measure(system, integrate(*make_flow(name, system), start, times, kAccuracy), options.loss);
    const bool plain = name == "gradient";
    report.rows.insert(
        report.rows.end(),
        {{name + " flow: drift of rho_k^2 - rho_1^2",
          {drift(path), kNone},
          0.0,
          "largest, all times"},
         {name + " flow: fall of the normalized margin",
          {largest_fall(path.margin), kNone},
          0.0,
          "largest, while > 0"},
         {name + " flow: normalized margin", {path.margin.back(), kNone}, kNone, "at the end"}});
    if (plain)
      report.rows.push_back({name + " flow: q in dR/dt = c (log R)^q, R = 1 / L",
                             fit_growth(times, path.log_inverse, std::sqrt(options.t_end)).slope,
                             2.0 - 2.0 / options.layers, "later half"});
    for (const char* optimizer : method.optimizers)
      report.rows.push_back({std::string(optimizer) + " to " + name + " flow: order in lr",
                             order_in_rate(system, start, optimizer, name, kDescentEnd, kRateUnit),
                             1.0, "lr 0.0005 ... 0.004, t <= 1"});
    margin.curves.push_back({method.title, times, path.margin});
    if (plain)
      for (std::size_t k = 0; k < path.layers.size(); ++k)
        layers.curves.push_back({"layer " + std::to_string(k + 1), times, path.layers[k]});
  }
  report.panels = {margin, layers};
  return report;
}

}  // namespace rho::dynamics
