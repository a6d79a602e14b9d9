// How many threads a benchmark runs on.
#pragma once

#include <omp.h>

#include <algorithm>
#include <thread>

namespace rho::bench {

inline int hardware_threads() {
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// Sets the threads of our kernels and of OpenMP, which oneDNN runs on. The other peers have
/// settings of their own.
inline void set_threads(int count) { omp_set_num_threads(count); }

}  // namespace rho::bench
