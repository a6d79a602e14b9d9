// Kernels that move memory, in GB/s (what they read and write, each once), beside a plain copy.
#include <cmath>

#include "bench/support/program.h"
#include "bench/support/random.h"
#include "kernels/adam.h"
#include "kernels/arithmetic.h"
#include "kernels/batch_norm.h"
#include "kernels/bias_relu_grad.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/reduce.h"
#include "kernels/relu.h"
#include "kernels/sgd.h"
#include "kernels/sphere_step.h"

namespace {

using namespace rho;
using namespace rho::bench;

// Four times the activations of a ResNet's first stage: no cache holds them.
constexpr std::int64_t kRows = 512 * 32 * 32, kChannels = 16;

/// The tensors that the kernels work on.
struct Maps {
  Tensor x, y, z, out;               // [kRows, kChannels]
  Tensor mean, variance, one, zero;  // [kChannels]
  Tensor a, b;                       // also [kChannels]

  /// On the host. out is positive, because Adam takes it for a mean of squares.
  static Maps draw() {
    Maps m;
    std::uint64_t stream = 1;
    for (Tensor Maps::*const map : {&Maps::x, &Maps::y, &Maps::z, &Maps::out})
      m.*map = bench::random({kRows, kChannels}, DType::Float32, stream++);
    kernels::abs(m.out, m.out);
    for (Tensor Maps::*const row : {&Maps::mean, &Maps::zero, &Maps::a, &Maps::b})
      m.*row = kernels::zeros({kChannels}, DType::Float32);
    m.variance = kernels::full({kChannels}, 1.0 / 3.0, DType::Float32);
    m.one = kernels::full({kChannels}, 1.0, DType::Float32);
    return m;
  }
  /// Copies on a device.
  Maps on(Device to) const {
    Maps m = *this;
    for (Tensor Maps::*const field : kFields) m.*field = kernels::clone((this->*field).to(to));
    return m;
  }
  kernels::BatchNormArguments norm() const { return {mean, variance, one, zero, 1e-5, true}; }

  static const std::initializer_list<Tensor Maps::*> kFields;
};
const std::initializer_list<Tensor Maps::*> Maps::kFields{
    &Maps::x,        &Maps::y,   &Maps::z,    &Maps::out, &Maps::mean,
    &Maps::variance, &Maps::one, &Maps::zero, &Maps::a,   &Maps::b};

/// A kernel, and how many maps it reads and writes.
struct Kernel {
  const char* name;
  int maps;
  void (*call)(const Maps& m);
};

/// One value that the host and the device of the maps share.
template <class T>
Shared<T> shared(const Maps& m, const T& value) {
  Shared<T> out(1, m.x.device());
  out.front() = value;
  return out;
}

constexpr Kernel kKernels[] = {
    {"copy", 2, [](const Maps& m) { kernels::copy(m.x, m.out); }},
    {"add", 3, [](const Maps& m) { kernels::add(m.x, m.y, m.out); }},
    {"relu", 2, [](const Maps& m) { kernels::relu(m.x, m.out); }},
    {"bias_relu_grad", 3, [](const Maps& m) { kernels::bias_relu_grad(m.x, m.y, m.out, m.a); }},
    {"sum", 1,
     [](const Maps& m) {
       kernels::sum(m.x.view({1, kRows, kChannels}), m.a.view({1, kChannels}));
     }},
    {"batch_statistics", 1, [](const Maps& m) { kernels::batch_statistics(m.x, m.a, m.b); }},
    {"batch_norm with residual and relu", 3,
     [](const Maps& m) { kernels::batch_norm(m.x, m.norm(), m.y, m.out); }},
    {"batch_norm_grad", 5,  // x and the gradient twice
     [](const Maps& m) {
       kernels::batch_norm_grad(m.x, m.norm(), {}, m.y, {m.out, m.a, m.b, {}});
     }},
    // Optimizers read the gradient twice: nothing changes where one is not finite.
    {"adam", 8,
     [](const Maps& m) {
       const kernels::AdamElement element({1e-9, 0.9, 0.999, 1e-8, 0.0}, 1000.0);
       kernels::adam({{m.x, m.y, m.z, m.out, m.x, 0}}, shared(m, element),
                     shared(m, std::int64_t{0}));
     }},
    {"sgd with momentum", 6,
     [](const Maps& m) {
       const kernels::SgdStep step{1e-9, 0.9, false, 0.0};
       kernels::sgd({{m.x, m.y, m.z, m.x}}, shared(m, step), shared(m, std::int64_t{0}));
     }},
    {"sphere_products", 3,
     [](const Maps& m) {
       std::vector<std::vector<kernels::SphereProducts>> rows(1);
       rows[0].resize(1);
       kernels::sphere_products({{m.x, m.y, m.z}}, 2.0, rows);
     }},
    {"sphere_step with momentum", 9,  // the three vectors twice, V, the velocity and W
     [](const Maps& m) {
       kernels::SphereStep step;
       step.descent = {1e-9, 0.9, false, 0.0};
       step.retracts = true;
       kernels::sphere_step({{{m.x}, {m.z}, {m.y}, {m.out}}}, {}, shared(m, step),
                            shared(m, kernels::SphereRow{1.0, 1.0}),
                            shared(m, kernels::SphereResult{}));
     }},
};

/// Against the CPU, within what rounding in float does to numbers of this size; its own kernels
/// have the unit tests.
bool correct(const Kernel& kernel, const Maps& maps) {
  constexpr double kTolerance = 1e-5;
  const Maps here = maps.on(Device{}), there = maps.on(device());
  kernel.call(here);
  kernel.call(there);
  for (Tensor Maps::*const field : Maps::kFields) {
    const auto found = (there.*field).to_vector<double>();
    const auto expected = (here.*field).to_vector<double>();
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double difference = std::abs(found[i] - expected[i]);
      if (!(difference <= kTolerance * std::max(1.0, std::abs(expected[i])))) return false;
    }
  }
  return true;
}

void measure(benchmark::State& state, const Kernel& kernel) {
  const Maps random = Maps::draw();
  if (!correct(kernel, random)) return state.SkipWithError("wrong result");
  const Maps maps = random.on(device());
  for (auto _ : state) {
    const Turns turns({[&] { kernel.call(maps); }, [&] { kKernels[0].call(maps); }},
                      turn_options());
    const auto speed = [&](std::size_t i, int count) {
      return 1e-9 * static_cast<double>(count * maps.x.numel() * 4) / turns.seconds(i);
    };
    state.SetIterationTime(turns.seconds(0));
    state.counters["ours"] = speed(0, kernel.maps);
    state.counters["copy"] = speed(1, kKernels[0].maps);
    state.counters["of copy"] = speed(0, kernel.maps) / speed(1, kKernels[0].maps);
  }
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  for (const Kernel& kernel : kKernels)
    add_case(kernel.name, [&kernel](benchmark::State& state, int) { measure(state, kernel); });
  return run({});
}
