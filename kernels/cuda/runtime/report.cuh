// How a kernel says that its data is wrong: it cannot throw, so it leaves a note in memory that the
// host reads too, and the next synchronization throws.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace rho::kernels::cuda {

/// Throws the Error that says what was found; runs on the host.
using Raise = void (*)(std::int64_t first, std::int64_t second, std::int64_t third);

struct Report {
  int taken;
  Raise raise;
  std::int64_t details[3];
};

/// An argument of kernels. Of several notes the first to arrive stays.
struct Reporter {
  Report* report;
  Raise raise;  // for the device a number

  __device__ void operator()(std::int64_t first, std::int64_t second, std::int64_t third) const {
    if (atomicCAS_system(&report->taken, 0, 1) != 0) return;
    report->raise = raise;
    report->details[0] = first;
    report->details[1] = second;
    report->details[2] = third;
  }
};

/// A reporter of this thread, whose note makes the host call raise.
Reporter reporter(Raise raise);

/// Throws what this thread's kernels, which are over, have reported since the last call.
void raise_reported();

}  // namespace rho::kernels::cuda
