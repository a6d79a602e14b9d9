#include "tools/support/device.h"

#include <charconv>

#include "tensor/allocator.h"
#include "tensor/error.h"

namespace rho::tools {

Device parse_device(const std::string& text) {
  if (text == "cpu") return {};
  Device device{DeviceType::CUDA, 0};
  if (text == "cuda") return device;
  if (text == "auto") return device_count(DeviceType::CUDA) > 0 ? device : Device{};
  const std::string prefix = "cuda:";
  bool is_valid = text.starts_with(prefix) && text.size() > prefix.size();
  if (is_valid) {
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + prefix.size(), end, device.index);
    is_valid = error == std::errc() && rest == end && device.index >= 0;
  }
  check(is_valid, "device", '"', text, "\", expected ", kDeviceHelp);
  return device;
}

Device find_device(const std::string& text) {
  const Device device = parse_device(text);
  check(has_backend(device.type), "device", text, ": this program was built without CUDA");
  const int count = device_count(device.type);
  check(count > 0, "device", text, ": there is no CUDA device, or no driver for it");
  check(device.index < count, "device", text, ": there are ", count,
        " devices, the last is cuda:", count - 1);
  return device;
}

}  // namespace rho::tools
