// Memory of CUDA devices, and of the host for transfers, registered with the caching allocators
// when the backend is loaded.
#include <cstring>

#include "kernels/cuda/runtime/launch.cuh"
#include "tensor/allocator.h"

namespace rho::kernels::cuda {
namespace {

/// A point in a stream. During a capture nothing can be marked: then it is set at the first
/// question after it.
class StreamMark final : public Mark {
 public:
  StreamMark(Stream& stream, int device_index) : stream_(stream), device_index_(device_index) {
    set();
  }
  ~StreamMark() override {
    if (event_ != nullptr) static_cast<void>(cudaEventDestroy(event_));
  }
  bool passed() noexcept override {
    if (!is_set_) set();
    if (!is_set_) return false;
    const bool is_over = cudaEventQuery(event_) == cudaSuccess;
    static_cast<void>(cudaGetLastError());  // "not ready" is no failure
    return is_over;
  }

 private:
  void set() noexcept {
    const std::scoped_lock lock(stream_.capturing);
    if (stream_.captured != nullptr) return;
    // An event is its device's, and this may be another thread than the stream's.
    if (event_ == nullptr && cudaSetDevice(device_index_) != cudaSuccess) return;
    if (event_ == nullptr &&
        cudaEventCreateWithFlags(&event_, cudaEventDisableTiming) != cudaSuccess)
      return;
    is_set_ = cudaEventRecord(event_, stream_.handle) == cudaSuccess;
  }

  Stream& stream_;
  int device_index_;
  cudaEvent_t event_ = nullptr;
  bool is_set_ = false;
};

/// This thread's stream; null where the driver is gone already, at exit: then nothing is in use.
Stream* stream_or_null(int device_index) noexcept {
  try {
    return &stream_of({DeviceType::CUDA, device_index});
  } catch (const Error&) {
    return nullptr;
  }
}

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
  void release(void* pointer, std::size_t, int device_index) noexcept override {
    // Nothing can be done about a failure here, and at exit the driver may be gone already.
    if (cudaSetDevice(device_index) != cudaSuccess || cudaFree(pointer) != cudaSuccess)
      static_cast<void>(cudaGetLastError());
  }
  void copy(const void* from, void* to, std::size_t bytes, int device_index) override {
    constexpr auto op = "cuda copy";
    const Device device{DeviceType::CUDA, device_index};
    // cudaMemcpyDefault finds both ends by their addresses.
    check_status(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(device).handle), op);
    synchronize(device, op);
  }
  void wait(int device_index) override {
    synchronize({DeviceType::CUDA, device_index}, "cuda wait");
  }
  std::uint64_t order(int device_index) const override {
    return stream_of({DeviceType::CUDA, device_index}).current_order();
  }
  std::unique_ptr<Mark> free_after(const Block& block) noexcept override {
    Stream* const stream = stream_or_null(block.device_index);
    if (stream == nullptr || block.order == stream->order || block.order == stream->current_order())
      return nullptr;
    return std::make_unique<StreamMark>(*stream, block.device_index);
  }
};

/// Page-locked memory of the host. The host writes it at once, so it waits for every transfer.
class StagingMemory final : public Memory {
 public:
  int device_count() const noexcept override { return 1; }
  void* allocate(std::size_t bytes, int device_index) override {
    check_status(cudaSetDevice(device_index), "staging memory");
    void* pointer = nullptr;
    check_status(cudaHostAlloc(&pointer, bytes, cudaHostAllocPortable), "staging memory");
    return pointer;
  }
  void release(void* pointer, std::size_t, int) noexcept override {
    if (cudaFreeHost(pointer) != cudaSuccess) static_cast<void>(cudaGetLastError());
  }
  void copy(const void* from, void* to, std::size_t bytes, int) override {
    std::memcpy(to, from, bytes);
  }
  std::unique_ptr<Mark> free_after(const Block& block) noexcept override {
    Stream* const stream = stream_or_null(block.device_index);
    return stream != nullptr ? std::make_unique<StreamMark>(*stream, block.device_index) : nullptr;
  }
};

[[maybe_unused]] const bool registered = [] {
  static DeviceMemory memory;
  static StagingMemory staging;
  register_memory(DeviceType::CUDA, memory);
  register_staging_memory(DeviceType::CUDA, staging);
  return true;
}();

}  // namespace
}  // namespace rho::kernels::cuda
