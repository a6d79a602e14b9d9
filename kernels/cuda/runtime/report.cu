#include <new>
#include <utility>

#include "kernels/cuda/runtime/check.cuh"
#include "kernels/cuda/runtime/report.cuh"

namespace rho::kernels::cuda {
namespace {

// One note of all devices; made with the first kernel that may report.
Report*& shared_report() {
  static Report* report = nullptr;
  return report;
}

}  // namespace

Reporter reporter(Raise raise) {
  static Report* const report = [] {
    void* memory = nullptr;
    check_status(
        cudaHostAlloc(&memory, sizeof(Report), cudaHostAllocPortable | cudaHostAllocMapped),
        "cuda report");
    return shared_report() = new (memory) Report{};
  }();
  return {report, raise};
}

void raise_reported() {
  Report* const report = shared_report();
  if (report == nullptr || report->taken == 0) return;
  const Report found = std::exchange(*report, Report{});
  found.raise(found.details[0], found.details[1], found.details[2]);
}

}  // namespace rho::kernels::cuda
