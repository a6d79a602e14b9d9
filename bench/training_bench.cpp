// Whole training steps (forward, cross-entropy, backward, descent with momentum) and evaluations
// beside libtorch's, in milliseconds, and the memory that a step takes; then what a step costs
// against batch size, width and depth.
#include <cmath>
#include <limits>
#include <sstream>
#include <thread>

#include "bench/peers/torch.h"
#include "bench/support/contest.h"
#include "bench/support/cuda_clock.h"
#include "bench/support/network.h"
#include "bench/support/program.h"

namespace {

using namespace rho;
using namespace rho::bench;

/// ||found - expected|| / ||expected||
double deviation(const Tensor& found, const Tensor& expected) {
  const auto a = found.to_vector<double>(), b = expected.to_vector<double>();
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

/// What a network computes from its first parameters.
struct Results {
  Tensor logits;
  double loss;
  nn::NamedTensors gradients;
};

template <class AnyNetwork>
Results results(AnyNetwork& network) {
  Tensor logits = network.evaluate();
  const double loss = network.backward();
  return {logits, loss, network.gradients()};
}

/// Compares with the same network in double. An output of a layer is off by at most epsilon times
/// the number of its terms, relative to its size, and the errors of the layers add up. Logits and
/// loss are continuous in them. A gradient is not: as large a fraction of the rectifiers may fall
/// on the other side of zero, and to change a fraction p of a sum's terms changes it by sqrt(p).
/// Returns what is wrong, empty where nothing is.
std::string mistake(const Results& found, const Results& expected, double terms) {
  const double error = terms * static_cast<double>(std::numeric_limits<float>::epsilon());
  const auto off = [](const std::string& what, double by, double tolerance) {
    std::ostringstream out;
    if (!(by <= tolerance)) out << what << " off by " << by << ", more than " << tolerance;
    return out.str();
  };
  std::string wrong = off("logits", deviation(found.logits, expected.logits), error);
  if (wrong.empty()) wrong = off("loss", std::abs(found.loss / expected.loss - 1.0), error);
  for (std::size_t i = 0; i < expected.gradients.size() && wrong.empty(); ++i) {
    const auto& [name, gradient] = expected.gradients[i];
    wrong = off("gradient of " + name, deviation(found.gradients[i].second, gradient),
                std::sqrt(error));
  }
  return wrong;
}

/// Debian's libtorch is for the CPU.
bool has_peer() { return device().type == DeviceType::CPU && !torch_version().empty(); }

enum class Task { Step, Evaluation };

struct Case {
  std::string network;
  std::int64_t batch;
  Task task = Task::Step;
};

void train(benchmark::State& state, const Case& c, int threads) {
  set_torch_threads(threads);
  const Training training = random_training(c.batch);
  const auto model = build(c.network);
  const Cost cost = bench::cost(*model, training.x);

  std::vector<std::pair<std::string, std::unique_ptr<TorchNetwork>>> torch;
  if (has_peer()) {
    torch.emplace_back("libtorch", torch_network(*model, training, false));
    torch.emplace_back("libtorch channels last", torch_network(*model, training, true));
  }
  {
    const auto twin = build(c.network, DType::Float64);
    nn::copy_state(*model, *twin);
    Network reference(twin, in_dtype(training, DType::Float64), Device{});
    const Results expected = results(reference);
    Network checked(build(c.network), training, device());
    std::string wrong = mistake(results(checked), expected, cost.terms);
    for (const auto& [name, network] : torch)
      if (wrong.empty()) {
        wrong = mistake(results(*network), expected, cost.terms);
        if (!wrong.empty()) wrong = name + ": " + wrong;
      }
    if (!wrong.empty()) return state.SkipWithError(wrong.c_str());
  }

  Network network(model, training, device());
  const auto task = [&](auto& of) -> std::function<void()> {
    if (c.task == Task::Evaluation) return [&of] { of.evaluate(); };
    return [&of] { of.step(); };
  };
  std::vector<Contestant> peers;
  for (const auto& [name, peer] : torch) peers.push_back({name, task(*peer)});
  const double flops = c.task == Task::Step ? cost.step : cost.forward;
  contest(state, {flops, DType::Float32, threads}, task(network), peers, Unit::Milliseconds);
}

/// Memory does not depend on the number of threads.
void memory(benchmark::State& state, const Case& c) {
  for (auto _ : state) {
    const double ours = peak_bytes(c.network, c.batch);
    state.counters["ours"] = 1e-6 * ours;
    state.SetIterationTime(0.0);
    if (!has_peer()) continue;
    const auto model = build(c.network);
    const Training training = random_training(c.batch);
    const double plain = torch_peak_bytes(*model, training, false);
    const double channels_last = torch_peak_bytes(*model, training, true);
    state.counters["libtorch"] = 1e-6 * plain;
    state.counters["libtorch channels last"] = 1e-6 * channels_last;
    state.counters["ratio"] = std::min(plain, channels_last) / ours;
  }
}

/// Many networks on one device, each trained by a thread of its own, beside the same networks one
/// after the other.
void train_together(benchmark::State& state, const std::string& name, std::int64_t batch,
                    std::size_t count) {
  constexpr int kSteps = 20;  // of each network in one call
  const Training training = random_training(batch);
  std::vector<std::unique_ptr<Network>> networks;
  for (std::size_t i = 0; i < count; ++i)
    networks.push_back(std::make_unique<Network>(build(name), training, device()));
  cuda_wait(device());
  const auto run = [&](std::size_t i) {
    for (int step = 0; step < kSteps; ++step) networks[i]->step();
  };
  const auto together = [&] {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(run, i);
    for (std::thread& thread : threads) thread.join();
    cuda_wait(device());  // other threads go on with the networks
  };
  const auto in_turn = [&] {
    for (std::size_t i = 0; i < count; ++i) run(i);
    cuda_wait(device());
  };
  // They are twins, so each must come to the same numbers.
  together();
  const double expected = networks.front()->backward();
  for (const auto& network : networks)
    if (network->backward() != expected)
      return state.SkipWithError("networks that are trained together differ");
  contest(state, {}, together, {{"one after another", in_turn}}, Unit::Milliseconds);
}

void add(const std::string& name, const Case& c, const std::vector<int>& threads) {
  add_case(
      name, [c](benchmark::State& state, int count) { train(state, c, count); }, threads);
}

/// 1, 2, 4, ..., and all.
std::vector<int> powers_of_two_threads() {
  std::vector<int> out;
  for (int count = 1; count < hardware_threads(); count *= 2) out.push_back(count);
  out.push_back(hardware_threads());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  const Case cases[] = {{"convnet3-24", 100},
                        {"convnet3-64s2", 128},
                        {"convnet5-w", 128},
                        {"resnet20", 128},
                        {"resnet56", 128}};
  const std::vector<int>& threads = thread_counts();
  for (const Case& c : cases) add("step/" + c.network, c, threads);
  for (const Case& c : cases)
    add("evaluation/" + c.network, {c.network, c.batch, Task::Evaluation}, threads);
  for (const Case& c : cases)
    benchmark::RegisterBenchmark(("memory/" + c.network).c_str(), memory, c)
        ->Iterations(1)
        ->UseManualTime();
  // What a step costs against one number at a time.
  for (const std::int64_t batch : {1, 8, 32, 128, 512})
    add("batch/convnet3-64s2/" + std::to_string(batch), {"convnet3-64s2", batch}, threads);
  for (const std::string width : {"16", "32", "64", "128"})
    add("width/convnet3-" + width, {"convnet3-" + width, 100}, threads);
  for (const std::string depth : {"20", "32", "44", "56"})
    add("depth/resnet" + depth, {"resnet" + depth, 128}, threads);
  if (device().type == DeviceType::CPU)
    add("threads/convnet3-64s2", {"convnet3-64s2", 128}, powers_of_two_threads());
  else
    for (const std::size_t count : {5, 25})
      add_case(
          "together/convnet3-64s2/" + std::to_string(count),
          [count](benchmark::State& state, int) {
            train_together(state, "convnet3-64s2", 128, count);
          },
          threads);
  const std::string version = torch_version();
  return run({{"libtorch", has_peer() ? version : "absent"}});
}
