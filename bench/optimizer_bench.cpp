// A whole training step of convnet3-64s2 (batch 128, 32 x 32 x 3, momentum 0.9) with each method,
// beside one of plain SGD on a twin, taken in turns: "ratio" is between the two, "update" the share
// of the method's step that is spent in the optimizer. The update is checked first.
#include <chrono>
#include <cmath>

#include "autograd/ops/losses.h"
#include "bench/support/cuda_clock.h"
#include "bench/support/program.h"
#include "kernels/copy.h"
#include "nn/model.h"
#include "optim/factory.h"
#include "optim/norm_constrained.h"
#include "tools/support/groups.h"

namespace {

using namespace rho;
using bench::cuda_wait;
using bench::device;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr std::int64_t kBatch = 128;
constexpr double kRate = 1e-5;

/// A network, its optimizer, and the time they have taken.
class Trained {
 public:
  explicit Trained(const std::string& name) {
    Rng rng(1);
    model_ = nn::make_model({"convnet3-64s2", {32, 32, 3}, 10}, {}, rng);
    model_->to(device());
    optim::OptimizerOptions options;
    options.name = name;
    options.lr = kRate;
    options.momentum = 0.9;
    optimizer_ = optim::make_optimizer(options, tools::parameter_groups(*model_));
    const Tensor x = Tensor::empty({kBatch, 32, 32, 3}, DType::Float32);
    std::generate_n(x.data<float>(), x.numel(), [&] { return static_cast<float>(rng.normal()); });
    x_ = Variable(x.to(device()));
    std::vector<std::int64_t> labels;
    for (std::int64_t n = 0; n < kBatch; ++n) labels.push_back(n % 10);
    labels_ = Tensor::from(labels, {kBatch}, device());
  }

  void backward() {
    model_->zero_grad();
    cross_entropy((*model_)(x_), labels_).backward();
  }
  void step() {
    const Clock::time_point start = Clock::now();
    backward();
    cuda_wait(device());
    const Clock::time_point update = Clock::now();
    optimizer_->step();
    cuda_wait(device());
    update_ += seconds_since(update);
    total_ += seconds_since(start);
  }
  void restart() { total_ = update_ = 0.0; }
  double total() const { return total_; }
  double update() const { return update_; }
  const optim::Optimizer& optimizer() const { return *optimizer_; }

 private:
  std::shared_ptr<nn::Module> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Variable x_;
  Tensor labels_;
  double total_ = 0.0, update_ = 0.0;
};

/// The first step has no momentum yet, and is the tangent gradient's up to the second order,
/// whatever the method (polar-gradient pulls with 1 / rho for rho).
bool correct(const std::string& name) {
  struct Layer {
    const optim::Group& group;
    optim::Tensors expected;
    double tolerance;
  };
  Trained trained(name);
  trained.backward();
  std::vector<Layer> layers;
  for (const optim::Group& group : trained.optimizer().groups()) {
    optim::Tensors w, g;
    for (const Variable& x : group.tensors) {
      w.push_back(x.value());
      g.push_back(kernels::contiguous(x.grad().value()));
    }
    const double rho = optim::norm(w, 2.0);
    const optim::Tensors v = optim::combine(1.0 / rho, w, 0.0, w);
    const double pull = kRate * (name == "polar-gradient" ? 1.0 / rho : rho);
    const optim::Tensors moved = optim::combine(1.0, v, -pull, optim::project(v, g));
    const double length = pull * optim::norm(g, 2.0);
    // W' = (rho - lr <V, G>) (V - lr pull S G), up to the second order and rounding.
    layers.push_back({group, optim::combine(rho - kRate * optim::dot(v, g), moved, 0.0, moved),
                      rho * (4e-7 + length * length)});
  }
  trained.step();
  return std::all_of(layers.begin(), layers.end(), [](const Layer& layer) {
    optim::Tensors found;
    for (const Variable& x : layer.group.tensors) found.push_back(x.value());
    return optim::norm(optim::combine(1.0, found, -1.0, layer.expected), 2.0) <= layer.tolerance;
  });
}

void training_step(benchmark::State& state, const std::string& name) {
  if (name != "sgd" && name != "adam" && !correct(name)) {
    state.SkipWithError("wrong update");
    return;
  }
  Trained plain("sgd"), method(name);
  for (Trained* one : {&plain, &method, &plain, &method}) one->step();
  plain.restart();
  method.restart();
  for (auto _ : state) {
    plain.step();
    const double before = method.total();
    method.step();
    state.SetIterationTime(method.total() - before);
  }
  state.counters["ratio"] = method.total() / plain.total();
  state.counters["update"] = method.update() / method.total();
}

}  // namespace

int main(int argc, char** argv) {
  bench::start(argc, argv);
  std::vector<std::string> names{"sgd", "adam"};
  for (const optim::Direction& direction : optim::directions()) names.emplace_back(direction.name);
  for (const std::string& name : names)
    benchmark::RegisterBenchmark(("training_step/" + name).c_str(), training_step, name)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->MinTime(3.0);
  return bench::run({});
}
