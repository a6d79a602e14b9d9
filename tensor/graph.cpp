#include "tensor/graph.h"

#include <array>

#include "tensor/error.h"

namespace rho {
namespace {

CaptureBackend& backend_of(DeviceType type) {
  static std::array<CaptureBackend, kDeviceTypes> table{};
  return table[static_cast<std::size_t>(type)];
}

}  // namespace

bool can_capture(Device device) {
  const CaptureBackend& backend = backend_of(device.type);
  return backend.capture != nullptr && backend.can_capture();
}

std::unique_ptr<Graph> capture(Device device, const std::function<void()>& body) {
  check(can_capture(device), "capture", "work of ", device, " can not be captured",
        device.type == DeviceType::CPU ? "" : " while every kernel is waited for");
  return backend_of(device.type).capture(device, body);
}

void register_capture(DeviceType type, CaptureBackend backend) { backend_of(type) = backend; }

}  // namespace rho
