#include <map>

#include "kernels/cuda/runtime/of_thread.cuh"
#include "kernels/cuda/runtime/stream.cuh"

namespace rho::kernels::cuda {

Stream& stream_of(Device device) {
  check_status(cudaSetDevice(device.index), "cuda stream");
  Stream& stream = of_thread<std::map<int, Stream>>()[device.index];
  if (stream.handle != nullptr) return stream;
  constexpr auto op = "cuda stream";
  constexpr std::size_t kBytes = kArrivals * sizeof(unsigned);
  if (stream.arrivals == nullptr) {  // first, for it may fail
    void* arrivals = nullptr;
    check_status(cudaMalloc(&arrivals, kBytes), op);
    stream.arrivals = static_cast<unsigned*>(arrivals);
  }
  cudaStream_t handle = nullptr;
  // It does not wait for the default stream, which nothing here uses.
  check_status(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), op);
  check_status(cudaMemsetAsync(stream.arrivals, 0, kBytes, handle), op);
  stream.order = next_order();
  stream.handle = handle;
  return stream;
}

std::uint64_t next_order() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace rho::kernels::cuda
