#include "bench/support/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace rho::bench {
namespace {

std::vector<Timed> timed(const Turns::Functions& functions, const Clock& clock) {
  std::vector<Timed> out;
  out.reserve(functions.size());
  for (const auto& function : functions)
    out.emplace_back([function, clock](int calls) { return clock(function, calls); });
  return out;
}

}  // namespace

double host_clock(const std::function<void()>& function, int calls) {
  std::vector<double> seconds;
  seconds.reserve(static_cast<std::size_t>(calls));
  auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) {
    function();
    const auto now = std::chrono::steady_clock::now();
    seconds.push_back(std::chrono::duration<double>(now - before).count());
    before = now;
  }
  return median(std::move(seconds));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Turns::Turns(const Functions& functions, const TurnOptions& options)
    : Turns(timed(functions, options.clock), options) {}

Turns::Turns(const std::vector<Timed>& functions, const TurnOptions& options)
    : seconds_(functions.size()) {
  std::vector<int> calls;
  calls.reserve(functions.size());
  for (const Timed& function : functions) {
    function(1);  // allocates, packs, starts threads
    const double once = function(1);
    calls.push_back(static_cast<int>(std::clamp(options.block / once, 1.0, 1e6)));
  }
  for (int round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < functions.size(); ++i) {
      std::this_thread::sleep_for(std::chrono::duration<double>(options.pause));
      // Threads that have gone to sleep wake up with the first of several calls.
      if (calls[i] > 1) functions[i](1);
      seconds_[i].push_back(functions[i](calls[i]));
    }
}

double Turns::fastest(std::size_t function) const {
  return *std::min_element(seconds_[function].begin(), seconds_[function].end());
}

double Turns::ratio(std::size_t function, std::size_t other) const {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < seconds_[function].size(); ++round)
    ratios.push_back(seconds_[function][round] / seconds_[other][round]);
  return median(std::move(ratios));
}

}  // namespace rho::bench
