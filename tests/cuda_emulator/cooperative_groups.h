// Groups of threads that wait for each other: all of a cooperative launch.
#pragma once

#include "tests/cuda_emulator/cuda_runtime.h"

namespace cooperative_groups {

// NOLINTBEGIN: names are CUDA's.
class grid_group {
 public:
  void sync() const { rho::cuda_emulator::wait_for_grid(); }
};
inline grid_group this_grid() { return {}; }
// NOLINTEND

}  // namespace cooperative_groups
