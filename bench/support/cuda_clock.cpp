#include "bench/support/cuda_clock.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda/runtime/stream.cuh"

namespace rho::bench {
namespace {

void expect(cudaError_t status) {
  check(status == cudaSuccess, "cuda_clock", cudaGetErrorString(status));
}

/// More than the second-level cache of any device.
class Flush {
 public:
  Flush() { expect(cudaMalloc(&memory_, kBytes)); }
  void operator()(cudaStream_t stream) const {
    expect(cudaMemsetAsync(memory_, 0, kBytes, stream));
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{256} << 20;
  void* memory_ = nullptr;
};

class Event {
 public:
  Event() { expect(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) const { expect(cudaEventRecord(event_, stream)); }
  double seconds_since(const Event& start) const {
    float milliseconds = 0.0F;
    expect(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

double cuda_clock(Device device, const std::function<void()>& function, int calls) {
  constexpr int kMostCalls = 100;
  const int count = std::min(calls, kMostCalls);
  const cudaStream_t stream = kernels::cuda::stream_of(device).handle;
  static const Flush flush;
  std::vector<Event> start(static_cast<std::size_t>(count)), end(start.size());
  for (std::size_t i = 0; i < start.size(); ++i) {
    flush(stream);
    start[i].record(stream);
    function();
    end[i].record(stream);
  }
  cuda_wait(device);
  double total = 0.0;
  for (std::size_t i = 0; i < start.size(); ++i) total += end[i].seconds_since(start[i]);
  return total / count;
}

std::string cuda_device_name(Device device) {
  cudaDeviceProp properties{};
  int driver = 0;
  expect(cudaGetDeviceProperties(&properties, device.index));
  expect(cudaDriverGetVersion(&driver));
  return std::string(properties.name) + ", driver " + std::to_string(driver / 1000) + "." +
         std::to_string(driver % 1000 / 10);
}

void cuda_wait(Device device) {
  if (device.type == DeviceType::CPU) return;
  expect(cudaSetDevice(device.index));
  expect(cudaDeviceSynchronize());
}

}  // namespace rho::bench
