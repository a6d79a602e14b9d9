// The machine itself: the peak of its multiply-add units, and how fast it copies memory.
#include "bench/support/peak.h"
#include "bench/support/program.h"

namespace {

using namespace rho;
using namespace rho::bench;

/// `burst` returns what it did; the counter tells how much of it a second, in billions.
template <class Burst>
void measure(benchmark::State& state, const char* counter, const Burst& burst) {
  double done = 0.0;
  for (auto _ : state) {
    const Turns turns({[&] { done = burst(); }}, turn_options());
    state.SetIterationTime(turns.seconds(0));
    state.counters[counter] = 1e-9 * done / turns.seconds(0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  start(argc, argv);
  for (const DType dtype : {DType::Float32, DType::Float64})
    add_case("multiply-add/" + std::string(name_of(dtype)),
             [dtype](benchmark::State& state, int threads) {
               measure(state, "GFLOP/s", [=] { return multiply_add_burst(dtype, threads); });
             });
  add_case("copy", [](benchmark::State& state, int threads) {
    measure(state, "GB/s", [=] { return copy_burst(threads); });
  });
  return run({});
}
