// Work of a device that is captured once and replayed: one call to the driver instead of hundreds.
#pragma once

#include <functional>
#include <memory>

#include "tensor/device.h"

namespace rho {

/// Captured work. It reads and writes the memory that it did when it was captured: tensors made
/// meanwhile are its own, and hold what the last replay left; those from before must be kept alive,
/// and in place.
class Graph {
 public:
  Graph() = default;
  virtual ~Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  /// Does the work, in the order of this thread's, which is the one that captured it.
  virtual void replay() = 0;
};

/// A way to capture what `body` does on a device, without doing it. What `body` does on the host is
/// done. Throws where it waits for the device.
using Capture = std::unique_ptr<Graph> (*)(Device device, const std::function<void()>& body);

/// Whether this thread's work on the device can be captured now. That of the host can not, nor that
/// of a device whose kernels are waited for one by one.
bool can_capture(Device device);

/// Throws where can_capture says no.
std::unique_ptr<Graph> capture(Device device, const std::function<void()>& body);

/// Called by a backend when it is loaded.
struct CaptureBackend {
  Capture capture;
  bool (*can_capture)();
};
void register_capture(DeviceType type, CaptureBackend backend);

}  // namespace rho
