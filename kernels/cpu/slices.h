// Long sums in slices: each has a sum of its own, for threads to share without waiting.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rho::kernels::cpu {

/// Into how many slices to cut a sum of `terms` terms whose result takes `bytes`: few where that
/// is large. It depends on the shape alone, and with it the order of additions, never on threads.
inline std::int64_t slices_of(std::int64_t terms, std::int64_t bytes) {
  constexpr std::int64_t kMost = 8, kLargest = 4 << 20;
  return std::clamp<std::int64_t>(std::min(terms, kLargest / std::max<std::int64_t>(bytes, 1)),
                                  terms > 1 ? 2 : 1, kMost);
}

}  // namespace rho::kernels::cpu
