#include <cstdlib>

#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/runtime/report.cuh"
#include "tensor/profile.h"

namespace rho::kernels::cuda {

bool is_blocking() {
  static const bool asked_for = [] {
    const char* const value = std::getenv("CUDA_LAUNCH_BLOCKING");
    return value != nullptr && std::string_view(value) == "1";
  }();
  return asked_for || Profile::current() != nullptr;
}

void synchronize(Device device, std::string_view op) {
  const Stream& stream = stream_of(device);
  check(stream.captured == nullptr, op,
        "waits for a device whose work is being captured; a layer that reads values on the host "
        "says so with is_replayable()");
  check_status(cudaStreamSynchronize(stream.handle), op);
  raise_reported();
}

}  // namespace rho::kernels::cuda
