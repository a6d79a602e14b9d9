// Streams. Every host thread has one of its own on every device, and all its work there is in that
// order: networks that are trained by different threads share a device side by side, and within a
// thread a tensor's memory can be used again as soon as its last handle is gone, since what still
// runs comes first. A tensor that goes from one thread to another does so after a wait.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernels/cuda/runtime/check.cuh"
#include "tensor/device.h"

namespace rho::kernels::cuda {

/// A sequence of work on a device.
struct Stream {
  cudaStream_t handle = nullptr;
  std::uint64_t order = 0;                  ///< its name, of all streams and captures
  std::atomic<std::uint64_t> captured = 0;  ///< the order of what is being captured; 0: nothing

  /// That of memory which is handed out now.
  std::uint64_t current_order() const { return captured != 0 ? captured.load() : order; }
};

/// This thread's stream on `device`, which is current afterwards.
Stream& stream_of(Device device);

/// A name that no other order has.
std::uint64_t next_order();

}  // namespace rho::kernels::cuda
