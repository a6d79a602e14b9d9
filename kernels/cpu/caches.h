// The caches of one core, from which kernels choose how much to work on at a time.
#pragma once

#include <unistd.h>

#include <cstdint>

namespace rho::kernels::cpu {

struct Caches {
  std::int64_t first = 32 << 10, second = 256 << 10;  // bytes
};

/// Those of the running machine; the defaults where the system does not say.
inline const Caches& caches() {
  static const Caches found = [] {
    Caches sizes;
    if (const long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE); bytes > 0) sizes.first = bytes;
    if (const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0) sizes.second = bytes;
    return sizes;
  }();
  return found;
}

}  // namespace rho::kernels::cpu
