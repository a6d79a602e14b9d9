// Small things on their way to a device: nobody waits for them.
#pragma once

#include <cstddef>
#include <string_view>

#include "tensor/device.h"

namespace rho::kernels::cuda {

/// Copies `bytes` of the host to `to` on the device, in the order of this thread's work. `from` may
/// change as soon as this returns. Part of a capture, if there is one: then the bytes of now are
/// what every replay copies.
void upload(std::string_view op, const void* from, std::size_t bytes, void* to, Device device);

}  // namespace rho::kernels::cuda
