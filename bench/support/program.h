// What the benchmark programs share: their flags, and what they say about the machine.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/support/threads.h"
#include "bench/support/timing.h"
#include "tensor/device.h"

namespace rho::bench {

/// A flag of one program alone: --NAME=VALUE.
struct ProgramFlag {
  std::string name;
  std::string& value;  ///< what it holds before is the default
  std::string help;
};

/// Reads our flags (--device, --threads, --rounds and `more`), and leaves Google Benchmark its own.
/// Ends the program after --help and after a flag that nobody knows.
void start(int argc, char** argv, const std::vector<ProgramFlag>& more = {});

/// Where ours and its peers run.
Device device();
/// The numbers of threads to run every case with: --threads, or one and all.
const std::vector<int>& thread_counts();
const TurnOptions& turn_options();

/// Registers NAME/threads:T for each number of threads. body(state, threads) runs on that many.
template <class Body>
void add_case(const std::string& name, const Body& body,
              const std::vector<int>& counts = thread_counts()) {
  for (const int threads : counts)
    benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                                 [body, threads](benchmark::State& state) {
                                   set_threads(threads);
                                   body(state, threads);
                                 })
        ->Iterations(1)  // of rounds in turns: see contest.h
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

/// Runs the cases that --benchmark_filter selects. `peers`: the version of each, "absent" without
/// it.
int run(const std::vector<std::pair<std::string, std::string>>& peers);

}  // namespace rho::bench
