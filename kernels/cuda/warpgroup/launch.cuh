// Starting kernels that share more memory within a block than 48 KiB.
#pragma once

#include "kernels/cuda/runtime/launch.cuh"

namespace rho::kernels::cuda {

/// As `launch`, with `shared_bytes` of dynamic shared memory.
template <class... Parameters, class... Arguments>
void launch_with_shared_memory(std::string_view op, Device device, void (*kernel)(Parameters...),
                               unsigned blocks, unsigned threads, std::size_t shared_bytes,
                               const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.stream = stream_of(device).handle;
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  check_status(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(shared_bytes)),
               op);
  check_status(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), op);
  if (is_blocking()) synchronize(device, op);
}

}  // namespace rho::kernels::cuda
