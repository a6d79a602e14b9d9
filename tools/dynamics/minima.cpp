#include <algorithm>
#include <array>
#include <numbers>
#include <sstream>

#include "autograd/ops.h"
#include "optim/factory.h"
#include "tensor/random.h"
#include "tools/dynamics/experiments.h"

namespace rho::dynamics {
namespace {

using Style = Curve::Style;

constexpr double kStiffness = 4.0, kEdge = 2.0, kWall = 10.0;
constexpr int kTrainingSet = 8;  // examples that SGD draws from
constexpr double kWarmUp = 0.5;  // share of the time that is left to reach equilibrium
constexpr double kRange = 2.6;   // of histograms and integrals, in both coordinates
constexpr std::size_t kBins = 52, kCellsABin = 10;

// Minima of depth 0: the segment x = -1, |y| <= kEdge is degenerate, (1, 0) is isolated; along
// y = 0 a barrier of height 1 is between them.
double potential(double x, double y) {
  const double well = x * x - 1.0, side = 0.5 * (x + 1.0) * y;
  const double outside = std::max(std::abs(y) - kEdge, 0.0);
  return well * well + kStiffness * side * side + kWall * outside * outside;
}
constexpr const char* kPotential =
    "u(x, y) = (x**2 - 1)**2 + 4 * (0.5 * (x + 1) * y)**2 + (abs(y) > 2 ? 10 * (abs(y) - 2)**2 : "
    "0)\n";

// The same, summed over points w [chains, 2]: the gradient of each is its own.
Variable potential(const Variable& w) {
  const Variable x = slice(w, 1, 0, 1), y = slice(w, 1, 1, 2);
  const Variable well = x * x - 1.0, side = 0.5 * ((x + 1.0) * y);
  const Variable outside = relu(abs(y) - kEdge);
  return sum(well * well + kStiffness * (side * side) + kWall * (outside * outside));
}

// How often a place was visited: the share of the time with x < 0 in each chain (or one number),
// and densities of x and y over bins.
struct Visits {
  Vector degenerate;
  std::array<Vector, 2> density{Vector(kBins, 0.0), Vector(kBins, 0.0)};
  Vector x, y;  ///< where the chains are at the end

  void add(std::size_t coordinate, double value, double weight) {
    const double bin = (value + kRange) / (2.0 * kRange) * static_cast<double>(kBins);
    if (bin >= 0.0 && bin < static_cast<double>(kBins))
      density[coordinate][static_cast<std::size_t>(bin)] += weight;
  }
  // From sums of weights to densities.
  void normalize(double total) {
    const double bin = 2.0 * kRange / static_cast<double>(kBins);
    for (Vector& of : density)
      for (double& value : of) value /= total * bin;
  }
};

// Boltzmann's density e^(-U / T) / Z (Issues eq. 3), by the midpoint rule.
Visits boltzmann(double temperature) {
  constexpr std::size_t cells = kBins * kCellsABin;
  const auto middle = [](std::size_t i) {
    return kRange * (2.0 * (static_cast<double>(i) + 0.5) / static_cast<double>(cells) - 1.0);
  };
  Visits out;
  double total = 0.0, degenerate = 0.0;
  for (std::size_t i = 0; i < cells; ++i)
    for (std::size_t j = 0; j < cells; ++j) {
      const double x = middle(i), y = middle(j);
      const double weight = std::exp(-potential(x, y) / temperature);
      total += weight;
      if (x < 0.0) degenerate += weight;
      out.add(0, x, weight);
      out.add(1, y, weight);
    }
  out.normalize(total);
  out.degenerate = {degenerate / total};
  return out;
}

// All chains at once, from the isolated minimum. `langevin`: white noise of the temperature T.
// Otherwise SGD with batches of one: example n has the loss U(w) + <xi_n, w>, where the xi_n are
// evenly spread on a circle, so that their mean is 0, the training loss U, and the noise of a step
// has the variance of Langevin's, lr^2 |xi|^2 / 2 = 2 lr T.
Visits sample(const MinimaOptions& options, bool langevin) {
  const auto chains = static_cast<std::size_t>(options.chains);
  const auto seed = static_cast<std::uint64_t>(options.seed);
  Vector start;
  for (std::size_t c = 0; c < chains; ++c) start.insert(start.end(), {1.0, 0.0});
  const Shape shape{options.chains, 2};
  Variable w(Tensor::from(start, shape), true);
  const auto optimizer =
      optim::make_optimizer(langevin ? optim::OptimizerOptions{.name = "langevin",
                                                               .lr = options.lr,
                                                               .temperature = options.temperature,
                                                               .seed = seed}
                                     : optim::OptimizerOptions{.name = "sgd", .lr = options.lr},
                            {{"w", {w}}});
  const double radius = std::sqrt(4.0 * options.temperature / options.lr);
  const long long steps = std::llround(options.t_end / options.lr);
  const long long every = std::max(1LL, std::llround(1.0 / options.lr));
  Rng draws(seed, 1);
  Visits out;
  out.degenerate.assign(chains, 0.0);
  double looks = 0.0;
  for (long long step = 1; step <= steps; ++step) {
    w.zero_grad();
    Variable loss = potential(w);
    if (!langevin) {
      Vector tilt;
      for (std::size_t c = 0; c < chains; ++c) {
        const double angle =
            2.0 * std::numbers::pi * static_cast<double>(draws.below(kTrainingSet)) / kTrainingSet;
        tilt.insert(tilt.end(), {radius * std::cos(angle), radius * std::sin(angle)});
      }
      loss = loss + sum(w * Variable(Tensor::from(tilt, shape)));
    }
    loss.backward();
    optimizer->step();
    if (step % every != 0 || static_cast<double>(step) < kWarmUp * static_cast<double>(steps))
      continue;
    const Vector now = w.value().to_vector<double>();
    out.x.clear();
    out.y.clear();
    ++looks;
    for (std::size_t c = 0; c < chains; ++c) {
      if (now[2 * c] < 0.0) out.degenerate[c] += 1.0;
      out.x.push_back(now[2 * c]);
      out.y.push_back(now[2 * c + 1]);
      out.add(0, now[2 * c], 1.0);
      out.add(1, now[2 * c + 1], 1.0);
    }
  }
  check(looks > 0.0, "issues-2", "the time ", options.t_end, " is too short to look once");
  for (double& share : out.degenerate) share /= looks;
  out.normalize(looks * static_cast<double>(chains));
  return out;
}

Panel potential_panel(const Visits& of) {
  std::ostringstream commands;
  commands << kPotential << "set xrange [-" << kRange << ':' << kRange << "]\nset yrange [-"
           << kRange << ':' << kRange
           << "]\nset samples 120\nset isosamples 120\nset cbrange [0:4]\n"
              "set palette defined (0 '#ffffff', 4 '#7090b0')\nset cblabel 'potential'\n";
  return {.title = "Potential, and where the chains of SGDL end",
          .x_label = "x",
          .y_label = "y",
          .key = "off",
          .curves = {{"SGDL", of.x, of.y, Style::Points}},
          .commands = commands.str(),
          .ground = "'++' using 1:2:(u($1, $2)) with image notitle"};
}

Panel histogram_panel(std::size_t coordinate, const Visits& sgd, const Visits& sgdl,
                      const Visits& law) {
  Vector edges, middles;
  const double half = kRange / static_cast<double>(kBins);
  for (std::size_t i = 0; i < kBins; ++i) {
    edges.push_back(2.0 * half * static_cast<double>(i) - kRange);
    middles.push_back(edges.back() + half);
  }
  const std::string name = coordinate == 0 ? "x" : "y";
  return {.title = coordinate == 0 ? "Degenerate minimum at x = -1, isolated one at x = 1"
                                   : "Along the degenerate minimum",
          .x_label = name,
          .y_label = "density of " + name,
          .key = "top right",
          .curves = {{"SGD", edges, sgd.density[coordinate], Style::Steps},
                     {"SGDL", edges, sgdl.density[coordinate], Style::Steps},
                     {"Boltzmann", middles, law.density[coordinate], Style::Law}},
          .commands = "set xrange [-2.6:2.6]\nset yrange [0:*]\n"};
}

}  // namespace

Report minima(const MinimaOptions& options) {
  const Visits law = boltzmann(options.temperature);
  const Visits sgd = sample(options, false), sgdl = sample(options, true);
  const std::string over = std::to_string(options.chains) + " chains";
  Report report{.experiment = "issues-2",
                .title = "a degenerate and an isolated minimum of equal depth"};
  report.rows = {{"SGD: share of time at the degenerate minimum", mean_of(sgd.degenerate),
                  law.degenerate[0], over},
                 {"SGDL: share of time at the degenerate minimum", mean_of(sgdl.degenerate),
                  law.degenerate[0], over}};
  report.notes = {
      "Predicted is Boltzmann's share at the same temperature; 0.5 would be no "
      "preference. All chains start at the isolated minimum."};
  report.panels = {potential_panel(sgdl), histogram_panel(0, sgd, sgdl, law),
                   histogram_panel(1, sgd, sgdl, law)};
  return report;
}

}  // namespace rho::dynamics
