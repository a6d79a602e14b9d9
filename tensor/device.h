// Where a tensor lives: a value, compared and printed, never a class hierarchy.
#pragma once

#include <cstdint>
#include <ostream>

namespace rho {

enum class DeviceType : std::uint8_t { CPU, CUDA };
inline constexpr int kDeviceTypes = 2;

struct Device {
  DeviceType type = DeviceType::CPU;
  int index = 0;

  friend bool operator==(const Device&, const Device&) = default;
};

/// Where a tensor is made for which no device is named: the CPU, unless set_default_device says
/// otherwise (then everything that reads a tensor's memory must run there). One for all threads.
Device default_device() noexcept;
void set_default_device(Device device) noexcept;

inline std::ostream& operator<<(std::ostream& out, DeviceType type) {
  return out << (type == DeviceType::CPU ? "cpu" : "cuda");
}
inline std::ostream& operator<<(std::ostream& out, Device device) {
  out << device.type;
  return device.type == DeviceType::CPU ? out : out << ':' << device.index;
}

}  // namespace rho
