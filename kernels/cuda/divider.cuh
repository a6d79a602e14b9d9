// Division of many numbers by one that the host knows: a multiplication and a shift instead of some
// twenty instructions (Granlund and Montgomery 1994, fig. 4.1).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace rho::kernels::cuda {

/// n / divisor and n % divisor for 0 <= n <= INT32_MAX and divisor >= 1.
class Divider {
 public:
  struct Result {
    int quotient, remainder;
  };

  explicit Divider(int divisor) : divisor_(divisor) {
    while ((std::uint64_t{1} << shift_) < static_cast<std::uint64_t>(divisor)) ++shift_;
    const std::uint64_t power = std::uint64_t{1} << shift_, d = static_cast<std::uint64_t>(divisor);
    multiplier_ = static_cast<std::uint32_t>(((power - d) << 32U) / d + 1);
  }

  __host__ __device__ Result operator()(int n) const {
    const auto unsigned_n = static_cast<std::uint32_t>(n);
    const auto high = static_cast<std::uint32_t>((std::uint64_t{multiplier_} * unsigned_n) >> 32U);
    const int quotient = static_cast<int>((high + unsigned_n) >> shift_);
    return {quotient, n - quotient * divisor_};
  }

 private:
  std::uint32_t multiplier_, shift_ = 0;
  int divisor_;
};

/// index = (first * middle_extent + middle) * last_extent + last.
struct Digits {
  int first, middle, last;
};
__host__ __device__ inline Digits digits(int index, const Divider& by_middle,
                                         const Divider& by_last) {
  const auto [rest, last] = by_last(index);
  const auto [first, middle] = by_middle(rest);
  return {first, middle, last};
}

}  // namespace rho::kernels::cuda
