// Memory of the host: aligned, and in large pages where it is large.
#pragma once

#include <cstddef>

namespace rho {

/// `bytes` of uninitialised memory, aligned to 64 bytes (a cache line, and the widest SIMD
/// register); null where there is none left. What is as long as a large page starts on one, and
/// asks for them: fewer page faults, fewer misses in the translation of addresses.
void* allocate_host(std::size_t bytes) noexcept;
/// What allocate_host returned for as many bytes; null is 0 bytes.
void release_host(void* pointer, std::size_t bytes) noexcept;

}  // namespace rho
