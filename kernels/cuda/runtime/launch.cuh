// Starting kernels, on this thread's stream.
#pragma once

#include <algorithm>

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

/// Starts `kernel` as configured.
template <class... Parameters, class... Arguments>
void launch_configured(std::string_view op, Device device, void (*kernel)(Parameters...),
                       const cudaLaunchConfig_t& config, const Arguments&... arguments) {
  check_status(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), op);
  if (is_blocking()) synchronize(device, op);
}

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
  launch_configured(op, device, kernel, config, arguments...);
}

/// The same without dynamic shared memory.
template <class... Parameters, class... Arguments>
void launch(std::string_view op, Device device, void (*kernel)(Parameters...), unsigned blocks,
            unsigned threads, const Arguments&... arguments) {
  launch_with_shared_memory(op, device, kernel, blocks, threads, 0, arguments...);
}

/// Starts `kernel` with as many of `most` blocks of kThreads as the device can run side by side, so
/// that they may wait for each other (cooperative_groups::this_grid().sync()). No more than two a
/// multiprocessor: it begins when there is room for all of them.
template <class... Parameters, class... Arguments>
void launch_cooperative(std::string_view op, Device device, void (*kernel)(Parameters...),
                        std::int64_t most, const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.stream = stream_of(device).handle;
  int multiprocessors = 0, blocks_of_each = 0;
  check_status(
      cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device.index), op);
  check_status(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks_of_each, kernel, kThreads, 0),
               op);
  config.gridDim = dim3(static_cast<unsigned>(
      std::min(most, std::int64_t{multiprocessors} * std::min(blocks_of_each, 2))));
  config.blockDim = dim3(kThreads);
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  config.attrs = &cooperative;
  config.numAttrs = 1;
  launch_configured(op, device, kernel, config, arguments...);
}

}  // namespace rho::kernels::cuda
