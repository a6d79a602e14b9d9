#include <map>

#include "kernels/cuda/runtime/of_thread.cuh"
#include "kernels/cuda/runtime/stream.cuh"

namespace rho::kernels::cuda {

Stream& stream_of(Device device) {
  check_status(cudaSetDevice(device.index), "cuda stream");
  Stream& stream = of_thread<std::map<int, Stream>>()[device.index];
  if (stream.handle == nullptr) {
    // It does not wait for the default stream, which nothing here uses.
    check_status(cudaStreamCreateWithFlags(&stream.handle, cudaStreamNonBlocking), "cuda stream");
    stream.order = next_order();
    constexpr std::size_t kBytes = kArrivals * sizeof(unsigned);
    void* arrivals = nullptr;
    check_status(cudaMalloc(&arrivals, kBytes), "cuda stream");
    check_status(cudaMemsetAsync(arrivals, 0, kBytes, stream.handle), "cuda stream");
    stream.arrivals = static_cast<unsigned*>(arrivals);
  }
  return stream;
}

std::uint64_t next_order() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

}  // namespace rho::kernels::cuda
