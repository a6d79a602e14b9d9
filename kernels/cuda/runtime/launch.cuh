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

/// Starts `kernel` on `device`, a block of which has `shared_bytes` of dynamic shared memory, more
/// than 48 KiB where the device has as many; errors name `op`.
template <class... Parameters, class... Arguments>
void launch_with_shared_memory(std::string_view op, Device device, void (*kernel)(Parameters...),
                               unsigned blocks, unsigned threads, std::size_t shared_bytes,
                               const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.stream = stream_of(device).handle;
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  if (shared_bytes > 0)
    check_status(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shared_bytes)),
                 op);
  check_status(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), op);
  if (is_blocking()) synchronize(device, op);
}

/// The same without dynamic shared memory.
template <class... Parameters, class... Arguments>
void launch(std::string_view op, Device device, void (*kernel)(Parameters...), unsigned blocks,
            unsigned threads, const Arguments&... arguments) {
  launch_with_shared_memory(op, device, kernel, blocks, threads, 0, arguments...);
}

}  // namespace rho::kernels::cuda
