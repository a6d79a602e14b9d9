#include <cstring>

#include "kernels/cuda/runtime/stream.cuh"
#include "kernels/cuda/runtime/upload.cuh"

namespace rho::kernels::cuda {

void upload(std::string_view op, const void* from, std::size_t bytes, void* to, Device device) {
  if (bytes == 0) return;
  const Tensor staged = Tensor::staging({static_cast<std::int64_t>(bytes)}, DType::UInt8, device);
  std::memcpy(staged.raw(), from, bytes);
  Stream& stream = stream_of(device);
  check_status(cudaMemcpyAsync(to, staged.raw(), bytes, cudaMemcpyDefault, stream.handle), op);
  // Where nothing is being captured, its allocator knows how long it is in use.
  if (Captured* const captured = stream.captured) captured->read_later.push_back(staged);
}

}  // namespace rho::kernels::cuda
