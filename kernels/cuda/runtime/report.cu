#include <new>
#include <utility>

#include "kernels/cuda/runtime/check.cuh"
#include "kernels/cuda/runtime/of_thread.cuh"
#include "kernels/cuda/runtime/report.cuh"

namespace rho::kernels::cuda {
namespace {

struct OwnReport {
  Report* report = nullptr;  // made with the first kernel of the thread that may report
};

}  // namespace

Reporter reporter(Raise raise) {
  Report*& report = of_thread<OwnReport>().report;
  if (report == nullptr) {
    void* memory = nullptr;
    check_status(
        cudaHostAlloc(&memory, sizeof(Report), cudaHostAllocPortable | cudaHostAllocMapped),
        "cuda report");
    report = new (memory) Report{};
  }
  return {report, raise};
}

void raise_reported() {
  Report* const report = of_thread<OwnReport>().report;
  if (report == nullptr || report->taken == 0) return;
  const Report found = std::exchange(*report, Report{});
  found.raise(found.details[0], found.details[1], found.details[2]);
}

}  // namespace rho::kernels::cuda
