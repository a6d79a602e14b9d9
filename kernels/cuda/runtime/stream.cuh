// Streams. Every host thread has one of its own on every device, and all its work there is in that
// order: networks that are trained by different threads share a device side by side, and within a
// thread a tensor's memory can be used again as soon as its last handle is gone, since what still
// runs comes first. A tensor that goes from one thread to another does so after a wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kernels/cuda/runtime/check.cuh"
#include "tensor/tensor.h"

namespace rho::kernels::cuda {

/// Work that is kept instead of done.
struct Captured {
  std::uint64_t order;
  std::vector<Tensor> read_later;  ///< tensors that live as long as the work may be replayed
};

/// What kernels may count on at once (runtime/arrival.cuh).
inline constexpr int kArrivals = 1024;

/// A sequence of work on a device.
struct Stream {
  cudaStream_t handle = nullptr;
  std::uint64_t order = 0;                    ///< its name, of all streams and captures
  unsigned* arrivals = nullptr;               ///< on the device, kArrivals
  std::atomic<Captured*> captured = nullptr;  ///< null: work is done
  /// Held where a capture begins or ends, and where other threads mark a point in the work.
  std::mutex capturing;

  /// That of memory which is handed out now.
  std::uint64_t current_order() const {
    const Captured* const now = captured;
    return now != nullptr ? now->order : order;
  }
};

/// This thread's stream on `device`, which is current afterwards.
Stream& stream_of(Device device);

/// A name that no other order has.
std::uint64_t next_order();

}  // namespace rho::kernels::cuda
