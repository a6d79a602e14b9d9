#include "bench/support/contest.h"

#include <algorithm>
#include <cmath>
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
  std::vector<Timed> functions;
  functions.reserve(peers.size() + 2);
  const auto join = [&](const std::function<void()>& call) {
    functions.emplace_back([&call](int calls) { return turn_options().clock(call, calls); });
  };
  join(ours);
  for (const Contestant& peer : peers) {
    if (peer.seconds)
      functions.push_back(peer.seconds);
    else
      join(peer.call);
  }
  const bool on_cpu = device().type == DeviceType::CPU;
  const std::function<void()> multiply_adds = [&] {
    burst = multiply_add_burst(work.dtype, work.threads);
  };
  if (on_cpu) join(multiply_adds);
  for (auto _ : state) {
    const Turns turns(functions, turn_options());
    state.SetIterationTime(turns.seconds(0));
    const auto told = [&](std::size_t i) {
      return unit == Unit::Milliseconds ? 1e3 * turns.seconds(i)
                                        : 1e-9 * work.flops / turns.seconds(i);
    };
    state.counters["ours"] = told(0);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (!std::isfinite(turns.seconds(i + 1))) continue;
      state.counters[peers[i].name] = told(i + 1);
      const auto found = state.counters.find("ratio");
      const double ratio = turns.ratio(i + 1, 0);
      state.counters["ratio"] =
          found == state.counters.end() ? ratio : std::min(found->second.value, ratio);
    }
    if (!on_cpu) continue;
    const double most = peak(work, burst / turns.fastest(functions.size() - 1));
    state.counters["peak"] = 1e-9 * most;
    state.counters["of_peak"] = work.flops / turns.seconds(0) / most;
  }
}

}  // namespace rho::bench
