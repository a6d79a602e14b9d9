#include "tensor/device.h"

#include <atomic>

namespace rho {
namespace {

std::atomic<Device> chosen{Device{}};

}  // namespace

Device default_device() noexcept { return chosen; }
void set_default_device(Device device) noexcept { chosen = device; }

}  // namespace rho
