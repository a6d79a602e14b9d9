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
  Turns::Functions functions{ours, [&] { burst = multiply_add_burst(work.dtype, work.threads); }};
  for (const Contestant& peer : peers) functions.push_back(peer.call);
  for (auto _ : state) {
    const Turns turns(functions, turn_options());
    state.SetIterationTime(turns.seconds(0));
    const auto told = [&](std::size_t i) {
      return unit == Unit::Milliseconds ? 1e3 * turns.seconds(i)
                                        : 1e-9 * work.flops / turns.seconds(i);
    };
    state.counters["ours"] = told(0);
    const double most = peak(work, burst / turns.fastest(1));
    state.counters["peak"] = 1e-9 * most;
    state.counters["of_peak"] = work.flops / turns.seconds(0) / most;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      state.counters[peers[i].name] = told(i + 2);
      double& ratio = state.counters["ratio"].value;
      ratio = i == 0 ? turns.ratio(2, 0) : std::min(ratio, turns.ratio(i + 2, 0));
    }
  }
}

}  // namespace rho::bench
