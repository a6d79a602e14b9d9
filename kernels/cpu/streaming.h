// Results that go to memory past the caches.
#pragma once

#include <cstdint>

#include "kernels/cpu/caches.h"

namespace rho::kernels::cpu {

/// Whether a result of `bytes` at `data` is stored past the caches: where it does not fit them, a
/// cached store first reads the line that it overwrites. Vectors must then lie on whole lines.
inline bool is_streamed(const void* data, std::int64_t bytes) {
  return bytes > 2 * caches().second && reinterpret_cast<std::uintptr_t>(data) % 64 == 0;
}

}  // namespace rho::kernels::cpu
