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

inline std::ostream& operator<<(std::ostream& out, DeviceType type) {
  return out << (type == DeviceType::CPU ? "cpu" : "cuda");
}
inline std::ostream& operator<<(std::ostream& out, Device device) {
  out << device.type;
  return device.type == DeviceType::CPU ? out : out << ':' << device.index;
}

}  // namespace rho
