// Time on a CUDA device.
#pragma once

#include <functional>
#include <string>

#include "tensor/device.h"

namespace rho::bench {

/// Seconds of one of `calls` calls, between events on the device. Before each the second-level
/// cache is overwritten, which also lets the host run ahead, so that what it takes to start the
/// first kernel is not in the time. For long functions and for many calls it does fewer of them.
double cuda_clock(Device device, const std::function<void()>& function, int calls);

/// "NVIDIA H200, driver 13.0"
std::string cuda_device_name(Device device);

/// Waits for the device; the CPU has nothing to wait for.
void cuda_wait(Device device);

}  // namespace rho::bench
