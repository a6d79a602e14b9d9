// Whole training steps (forward, cross-entropy, backward, descent with momentum) and evaluations
// beside libtorch's or PyTorch's, in milliseconds, and the memory that a step takes; then what a
// step costs against batch size, width and depth.
#include <cmath>
#include <limits>
#include <thread>

#include "bench/peers/pytorch.h"
#include "bench/peers/torch.h"
#include "bench/support/agreement.h"
#include "bench/support/contest.h"
#include "bench/support/cuda_clock.h"
#include "bench/support/network.h"
#include "bench/support/program.h"

namespace {

using namespace rho;
using namespace rho::bench;
using kernels::ProductPrecision;

/// Debian's libtorch is for the CPU.
bool has_libtorch() { return device().type == DeviceType::CPU && !torch_version().empty(); }

/// Python's, on a device and where --pytorch names an interpreter.
std::unique_ptr<PyTorch>& pytorch() {
  static std::unique_ptr<PyTorch> peer;
  return peer;
}

struct Case {
  std::string network;
  std::int64_t batch;
  Task task = Task::Step;
  ProductPrecision precision = ProductPrecision::Float32;
};

/// What became of the peers that are not in a case, for its row in the report.
class Notes {
 public:
  void add(const std::string& note) {
    if (text_.find(note) != std::string::npos) return;
    text_ += (text_.empty() ? "" : "; ") + note;
  }
  void tell(benchmark::State& state) const { state.SetLabel(text_); }

 private:
  std::string text_;
};

using PyTorchNetworks = std::vector<std::pair<std::string, std::unique_ptr<PyTorchNetwork>>>;

/// The network in every mode that computes the same.
PyTorchNetworks pytorch_networks(const Case& c, nn::Module& model, const Training& training,
                                 const Results& expected, const Cost& cost, int threads,
                                 Notes& notes) {
  PyTorchNetworks out;
  if (pytorch() == nullptr) return out;
  for (const std::string& mode : pytorch()->modes()) {
    std::string wrong;
    try {
      auto network = pytorch()->network(c.network, model, training, {mode, c.precision, threads});
      wrong = mistake(results(*network), expected, cost, c.precision);
      if (wrong.empty()) out.emplace_back("pytorch " + mode, std::move(network));
    } catch (const Error& failed) {
      wrong = failed.what();
    }
    if (!wrong.empty()) notes.add("not pytorch " + mode + ": " + wrong);
  }
  if (!pytorch()->absence().empty()) {
    out.clear();
    notes.add("pytorch: " + pytorch()->absence());
  }
  return out;
}

void train(benchmark::State& state, const Case& c, int threads) {
  const kernels::ProductPrecisionScope scope(c.precision);
  set_torch_threads(threads);
  const Training training = random_training(c.batch);
  const auto model = build(c.network);
  const Cost cost = bench::cost(*model, training.x);

  std::vector<std::pair<std::string, std::unique_ptr<TorchNetwork>>> torch;
  if (has_libtorch()) {
    torch.emplace_back("libtorch", torch_network(*model, training, false));
    torch.emplace_back("libtorch channels last", torch_network(*model, training, true));
  }
  Notes notes;
  PyTorchNetworks python;
  {
    const auto twin = build(c.network, DType::Float64);
    nn::copy_state(*model, *twin);
    Network reference(twin, in_dtype(training, DType::Float64), Device{});
    const Results expected = results(reference);
    Network checked(build(c.network), training, device());
    std::string wrong = mistake(results(checked), expected, cost, c.precision);
    for (const auto& [name, network] : torch)
      if (wrong.empty()) {
        wrong = mistake(results(*network), expected, cost, c.precision);
        if (!wrong.empty()) wrong = name + ": " + wrong;
      }
    if (!wrong.empty()) return state.SkipWithError(wrong.c_str());
    python = pytorch_networks(c, *model, training, expected, cost, threads, notes);
  }

  Network network(model, training, device());
  const auto task = [&](auto& of) -> std::function<void()> {
    if (c.task == Task::Evaluation) return [&of] { of.evaluate(); };
    return [&of] { of.step(); };
  };
  std::vector<Contestant> peers;
  for (const auto& [name, peer] : torch) peers.push_back({name, task(*peer)});
  for (const auto& entry : python) {
    const auto seconds = [&entry, &c, &notes](int calls) {
      try {
        return entry.second->seconds(c.task, calls);
      } catch (const Error& failed) {
        notes.add(entry.first + ": " + failed.what());
        return std::numeric_limits<double>::infinity();
      }
    };
    peers.push_back({entry.first, {}, seconds});
  }
  const double flops = c.task == Task::Step ? cost.step : cost.forward;
  contest(state, {flops, DType::Float32, threads}, task(network), peers, Unit::Milliseconds);
  notes.tell(state);
}

/// Memory does not depend on the number of threads.
void memory(benchmark::State& state, const Case& c) {
  Notes notes;
  for (auto _ : state) {
    const double ours = peak_bytes(c.network, c.batch, device());
    state.counters["ours"] = 1e-6 * ours;
    state.SetIterationTime(0.0);
    const auto model = build(c.network);
    const Training training = random_training(c.batch);
    double least = std::numeric_limits<double>::infinity();
    const auto join = [&](const std::string& name, double bytes) {
      state.counters[name] = 1e-6 * bytes;
      least = std::min(least, bytes);
    };
    if (has_libtorch()) {
      join("libtorch", torch_peak_bytes(*model, training, false));
      join("libtorch channels last", torch_peak_bytes(*model, training, true));
    }
    // PyTorch counts on a device alone. A replayed graph allocates nothing.
    if (pytorch() != nullptr && device().type == DeviceType::CUDA) {
      for (const std::string& mode : pytorch()->modes()) {
        if (mode.starts_with("CUDA graph")) continue;
        try {
          join("pytorch " + mode, pytorch()->peak_bytes(c.network, *model, training, {mode}));
        } catch (const Error& failed) {
          notes.add("pytorch " + mode + ": " + failed.what());
        }
      }
    }
    if (std::isfinite(least)) state.counters["ratio"] = least / ours;
  }
  notes.tell(state);
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
  std::string python;
  start(argc, argv,
        {{"--pytorch", python,
          "Python whose PyTorch is a peer, or none (default: python3 on a device, none on the "
          "CPU, where libtorch is)"}});
  if (python.empty()) python = device().type == DeviceType::CPU ? "none" : "python3";
  if (python != "none") pytorch() = std::make_unique<PyTorch>(python, device());

  const Case cases[] = {{"convnet3-24", 100},
                        {"convnet3-64s2", 128},
                        {"convnet5-w", 128},
                        {"resnet20", 128},
                        {"resnet56", 128}};
  const std::vector<int>& threads = thread_counts();
  for (const Case& c : cases) add("step/" + c.network, c, threads);
  // Precisions that only a device has.
  if (device().type == DeviceType::CUDA)
    for (const auto precision : {ProductPrecision::TensorFloat32, ProductPrecision::BFloat16})
      for (const Case& c : cases)
        add("step-" + std::string(kernels::name_of(precision)) + "/" + c.network,
            {c.network, c.batch, Task::Step, precision}, threads);
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
  std::vector<std::pair<std::string, std::string>> peers{
      {"libtorch", has_libtorch() ? torch_version() : "absent"}};
  if (pytorch() != nullptr) peers.emplace_back("pytorch", pytorch()->description());
  const int code = run(peers);
  pytorch().reset();  // before what it needs is gone
  return code;
}
