#include <cstring>

#include "kernels/cuda/runtime/capture.cuh"
#include "kernels/cuda/runtime/upload.cuh"
#include "tensor/tensor.h"

namespace rho::kernels::cuda {

void upload(std::string_view op, const void* from, std::size_t bytes, void* to, Device device) {
  if (bytes == 0) return;
  const Tensor staged = Tensor::staging({static_cast<std::int64_t>(bytes)}, DType::UInt8, device);
  std::memcpy(staged.raw(), from, bytes);
  check_status(
      cudaMemcpyAsync(to, staged.raw(), bytes, cudaMemcpyDefault, stream_of(device).handle), op);
  keep_while_captured(staged, device);
}

}  // namespace rho::kernels::cuda
