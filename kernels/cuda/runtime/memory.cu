// Memory of CUDA devices, registered with the caching allocator when the backend is loaded.
#include "kernels/cuda/runtime/launch.cuh"
#include "tensor/allocator.h"

namespace rho::kernels::cuda {
namespace {

class DeviceMemory final : public Memory {
 public:
  int device_count() const noexcept override {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    static_cast<void>(cudaGetLastError());  // no driver is no failure
    return 0;
  }
  void* allocate(std::size_t bytes, int device_index) override {
    check_status(cudaSetDevice(device_index), "cuda memory");
    void* pointer = nullptr;
    check_status(cudaMalloc(&pointer, bytes), "cuda memory");
    return pointer;
  }
  void release(void* pointer, int device_index) noexcept override {
    // Nothing can be done about a failure here, and at exit the driver may be gone already.
    if (cudaSetDevice(device_index) != cudaSuccess || cudaFree(pointer) != cudaSuccess)
      static_cast<void>(cudaGetLastError());
  }
  void copy(const void* from, void* to, std::size_t bytes, int device_index) override {
    constexpr auto op = "cuda copy";
    check_status(cudaSetDevice(device_index), op);
    // cudaMemcpyDefault finds both ends by their addresses.
    check_status(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, nullptr), op);
    synchronize({DeviceType::CUDA, device_index}, op);
  }
};

const bool registered = [] {
  static DeviceMemory memory;
  register_memory(DeviceType::CUDA, memory);
  return true;
}();

}  // namespace
}  // namespace rho::kernels::cuda
