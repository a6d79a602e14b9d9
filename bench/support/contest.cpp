#include "bench/support/contest.h"

#include <algorithm>
#include <map>
#include <utility>

#include "bench/support/peak.h"
#include "bench/support/program.h"
#include "bench/support/timing.h"

namespace rho::bench {
namespace {

/// The most operations a second in this run, of which `measured` is the last measurement. Whatever
/// else the machine does makes them fewer, never more.
double peak(const Work& work, double measured) {
  static std::map<std::pair<DType, int>, double> most;
  double& value = most[{work.dtype, work.threads}];
  return value = std::max(value, measured);
}

}  // namespace

void contest(benchmark::State& state, const Work& work, const std::function<void()>& ours,
             const std::vector<Contestant>& peers, Unit unit) {
  double burst = 0.0;  // operations
  Turns::Functions functions{ours};
  for (const Contestant& peer : peers) functions.push_back(peer.call);
  const bool on_cpu = device().type == DeviceType::CPU;
  if (on_cpu) functions.emplace_back([&] { burst = multiply_add_burst(work.dtype, work.threads); });
  for (auto _ : state) {
    const Turns turns(functions, turn_options());
    state.SetIterationTime(turns.seconds(0));
    const auto told = [&](std::size_t i) {
      return unit == Unit::Milliseconds ? 1e3 * turns.seconds(i)
                                        : 1e-9 * work.flops / turns.seconds(i);
    };
    state.counters["ours"] = told(0);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      state.counters[peers[i].name] = told(i + 1);
      double& ratio = state.counters["ratio"].value;
      ratio = i == 0 ? turns.ratio(1, 0) : std::min(ratio, turns.ratio(i + 1, 0));
    }
    if (!on_cpu) continue;
    const double most = peak(work, burst / turns.fastest(functions.size() - 1));
    state.counters["peak"] = 1e-9 * most;
    state.counters["of_peak"] = work.flops / turns.seconds(0) / most;
  }
}

}  // namespace rho::bench
