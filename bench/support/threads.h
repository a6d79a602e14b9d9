// How many threads a benchmark runs on.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <thread>

#include "kernels/threads.h"

namespace rho::bench {

inline int hardware_threads() {
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// Sets the threads of our kernels and of OpenMP, which oneDNN runs on. The other peers have
/// settings of their own.
inline void set_threads(int count) {
  kernels::set_threads(count);
#ifdef _OPENMP
  omp_set_num_threads(count);
#endif
}

}  // namespace rho::bench
