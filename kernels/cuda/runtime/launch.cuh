// Starting kernels, on this thread's stream.
#pragma once

#include "kernels/cuda/runtime/stream.cuh"

namespace rho::kernels::cuda {

/// Threads of a block, where nothing asks for another number.
inline constexpr unsigned kThreads = 256;

/// Waits for this thread's work on the device and throws what one of its kernels reported
/// (runtime/report.cuh), or what failed, naming `op`.
void synchronize(Device device, std::string_view op);

/// Whether every launch waits for its kernel: where the environment has CUDA_LAUNCH_BLOCKING=1, as
/// in CUDA itself, so that errors appear where they arise; and while a profile is being recorded,
/// so that a kernel's time is its own.
bool is_blocking();

/// Starts `kernel` on `device`; errors name `op`.
template <class... Parameters, class... Arguments>
void launch(std::string_view op, Device device, void (*kernel)(Parameters...), unsigned blocks,
            unsigned threads, const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.stream = stream_of(device).handle;
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  check_status(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), op);
  if (is_blocking()) synchronize(device, op);
}

}  // namespace rho::kernels::cuda
