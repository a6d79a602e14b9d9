#include "tools/approximate/fit.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/losses.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/relu.h"
#include "kernels/copy.h"
#include "nn/model.h"
#include "nn/nn.h"
#include "optim/factory.h"
#include "optim/schedule.h"
#include "tools/approximate/target.h"

namespace rho::approximate {
namespace {

using Vector = std::vector<double>;

enum Stream : std::uint64_t { Weights, Start, Batches };

constexpr std::int64_t kStartPoints = 1000;
constexpr double kNodeStd = 0.7, kRootStd = 0.1;  // the outputs at the start

nn::Weighted& weighted(nn::Module& layer) { return dynamic_cast<nn::Weighted&>(layer); }

void set(Variable parameter, const Vector& values) {
  parameter.set_value(kernels::with_values(parameter.value(), values));
}

/// Lets the kink of each unit pass through one of the points h: b_k = -<w_k, h_r>.
void spread_kinks(nn::Weighted& units, const Variable& h, Rng& rng) {
  const auto count = static_cast<std::size_t>(units.bias().numel());
  const Vector values = units.forward(h).value().to_vector<double>();  // without biases, so far
  Vector bias;
  for (std::size_t k = 0; k < count; ++k)
    bias.push_back(-values[static_cast<std::size_t>(rng.below(h.size(0))) * count + k]);
  set(units.bias(), bias);
}

/// Makes every second unit of a node the mirror image of the one before it, with the opposite
/// weight in the node: a (u)_+ - a (-u)_+ = a u. (Balduzzi et al. 2017, "looks-linear".)
void mirror_units(nn::Weighted& units, nn::Weighted& nodes) {
  const auto inputs = static_cast<std::size_t>(units.weight().size(1));
  const auto per_node = static_cast<std::size_t>(nodes.weight().size(1));
  Vector w = units.weight().value().to_vector<double>();
  Vector b = units.bias().value().to_vector<double>();
  Vector a = nodes.weight().value().to_vector<double>();
  for (std::size_t k = 1; k < b.size(); ++k) {
    if (k % per_node % 2 == 0) continue;
    for (std::size_t i = 0; i < inputs; ++i) w[k * inputs + i] = -w[(k - 1) * inputs + i];
    b[k] = -b[k - 1];
    a[k] = -a[k - 1];
  }
  set(units.weight(), w);
  set(units.bias(), b);
  set(nodes.weight(), a);
}

/// Scales each node so that its output has the standard deviation `std` where the units are `h`.
void scale_nodes(nn::Weighted& nodes, const Variable& h, double std) {
  const Variable y = nodes.forward(h), centred = y - mean(y, {0}, true);
  const Vector variance = mean(centred * centred, {0}).value().to_vector<double>();
  const auto per_node = static_cast<std::size_t>(nodes.weight().size(1));
  Vector a = nodes.weight().value().to_vector<double>();
  for (std::size_t k = 0; k < a.size(); ++k)
    if (const double now = variance[k / per_node]; now > 0.0) a[k] *= std / std::sqrt(now);
  set(nodes.weight(), a);
}

/// The start of a network of units, a ReLU and nodes, level upon level: every node is a linear
/// function whose kinks, spread over what the level sees, wait to be used. With kinks in one point
/// and units of random signs many a node of the tree is off on all of I^8, or folds what is below
/// it, for good.
void start(const nn::Module& network, Rng& rng, DType dtype) {
  const NoGrad guard;
  const auto& layers = network.children();
  Variable h(random_points(kStartPoints, rng, dtype));
  for (std::size_t i = 0; i + 2 < layers.size(); i += 3) {
    nn::Weighted &units = weighted(*layers[i].second), &nodes = weighted(*layers[i + 2].second);
    spread_kinks(units, h, rng);
    mirror_units(units, nodes);
    const Variable active = relu(units.forward(h));
    scale_nodes(nodes, active, i + 3 == layers.size() ? kRootStd : kNodeStd);
    h = nodes.forward(active);
  }
}

std::shared_ptr<nn::Module> make_network(const FitOptions& options) {
  Rng weights(options.seed, Weights), points(options.seed, Start);
  const std::string name = options.network + "-" + std::to_string(options.units);
  auto network = nn::make_model({name, {kVariables}, 1}, {}, weights, options.dtype);
  start(*network, points, options.dtype);
  return network;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const FitOptions& options,
                                                 const nn::Module& network) {
  std::vector<optim::Group> groups;
  for (const nn::NamedParameter& parameter : network.parameters())
    groups.push_back({parameter.name, {parameter.value}});
  return optim::make_optimizer({.name = options.optimizer, .lr = options.lr}, std::move(groups));
}

}  // namespace

Tensor random_points(std::int64_t count, Rng& rng, DType dtype) {
  Tensor out = Tensor::empty({count, kVariables}, dtype, Device{});
  dispatch_floating(dtype, "random_points", [&]<class T>() {
    std::generate_n(out.data<T>(), out.numel(),
                    [&] { return static_cast<T>(2.0 * rng.uniform() - 1.0); });
  });
  return out;
}

std::shared_ptr<nn::Module> fit(const FitOptions& options, Device device) {
  auto network = make_network(options);
  network->to(device);
  const auto optimizer = make_optimizer(options, *network);
  const auto schedule = optim::make_schedule(
      options.schedule == "cosine" ? "cosine:" + std::to_string(options.steps) : options.schedule);
  Rng batches(options.seed, Batches);
  const kernels::ProductPrecisionScope precision(options.precision);
  const kernels::ProductProviderScope provider(options.provider);
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const Variable x(random_points(options.batch, batches, options.dtype).to(device));
    const Variable y = target(options.target, x);
    network->zero_grad();
    square_loss((*network)(x), y.value()).backward();
    optimizer->set_lr(options.lr * schedule->factor(step));
    optimizer->step();
  }
  return network;
}

}  // namespace rho::approximate
