// One case of a benchmark: ours, its peers and the machine's peak, timed in turns.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "bench/support/timing.h"
#include "tensor/dtype.h"

namespace rho::bench {

/// What a case computes, and on how many threads.
struct Work {
  double flops = 0.0;
  DType dtype = DType::Float32;
  int threads = 1;
};

struct Contestant {
  std::string name;
  std::function<void()> call;
  /// Instead of `call` for what runs in another process: its own time, infinite where it failed.
  Timed seconds = {};
};

/// In what the counters of ours and of the peers are told.
enum class Unit { GigaflopsPerSecond, Milliseconds };

/// Runs the benchmark's one iteration. Counters: "ours" and each peer by its name; "ratio", how
/// many times as fast as the fastest peer ours is, where there is a peer (one that failed is none);
/// on the CPU also "peak",
/// the GFLOP/s of this many threads, and "of_peak", the fraction of it that ours reaches.
void contest(benchmark::State& state, const Work& work, const std::function<void()>& ours,
             const std::vector<Contestant>& peers, Unit unit = Unit::GigaflopsPerSecond);

}  // namespace rho::bench
