// Moving a tensor between devices.
#pragma once

#include <array>

#include "kernels/copy.h"

namespace rho::kernels {

/// Copies `bytes` between two devices and waits for it. A backend provides it for its own device
/// and the CPU, in both directions.
using TransferFunction = void (*)(const void* src, Device from, void* dst, Device to,
                                  std::size_t bytes);

inline TransferFunction& transfer_function(DeviceType type) {
  static std::array<TransferFunction, kDeviceTypes> functions{};
  return functions[static_cast<std::size_t>(type)];
}

/// `x` itself where it is on `device`, else a contiguous copy there.
inline Tensor to_device(const Tensor& x, Device device) {
  if (x.device() == device) return x;
  const Device other = x.device().type == DeviceType::CPU ? device : x.device();
  const TransferFunction function = transfer_function(other.type);
  check(function != nullptr, "to_device", "this build has no backend for ", other);
  const Tensor source = contiguous(x);
  Tensor out = Tensor::empty(x.shape(), x.dtype(), device);
  if (x.numel() > 0)
    function(source.raw(), x.device(), out.raw(), device,
             static_cast<std::size_t>(x.numel()) * size_of(x.dtype()));
  return out;
}

}  // namespace rho::kernels
