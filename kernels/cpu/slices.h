// Long sums in slices: each has a sum of its own, for threads to share without waiting.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace rho::kernels::cpu {

/// Into how many slices to cut a sum of `terms` terms whose result takes `bytes`: a power of two,
/// small where the result is large. It depends on the shape alone, never on threads, and with it
/// the order of additions.
inline std::int64_t slices_of(std::int64_t terms, std::int64_t bytes) {
  constexpr std::int64_t kLeast = 2, kMost = 8, kLargest = 4 << 20;
  const auto fitting = static_cast<std::uint64_t>(kLargest / std::max<std::int64_t>(bytes, 1));
  const auto slices = static_cast<std::int64_t>(std::bit_floor(fitting));
  return std::clamp<std::int64_t>(terms, 1, std::clamp(slices, kLeast, kMost));
}

}  // namespace rho::kernels::cpu
