// Counter-based random numbers: the same on every machine, and a state of three integers.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace rho {

/// SplitMix64 over (seed, stream, counter): O(1) state to save, any stream independent of the
/// others (Steele, Lea and Flood 2014 give the mixing function). Not cryptographic. What is
/// constexpr is compiled for devices, too.
class Rng {
 public:
  constexpr explicit Rng(std::uint64_t seed, std::uint64_t stream = 0)
      : seed_(seed), stream_(stream) {}

  constexpr std::uint64_t next() {
    const std::uint64_t key = mix(seed_ + mix(stream_ + kGolden));
    return mix(key + kGolden * ++counter_);
  }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform integer in [0, bound), without bias; bound >= 1.
  std::int64_t below(std::int64_t bound) {
    const auto range = static_cast<std::uint64_t>(bound);
    const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % range + 1) % range;
    std::uint64_t draw = next();
    while (draw > limit) draw = next();
    return static_cast<std::int64_t>(draw % range);
  }
  /// Standard normal, by Box and Muller; one value per call keeps the state a counter. A template,
  /// since a function with a root in every path may not be constexpr otherwise.
  template <class Real = double>
  constexpr Real normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

  std::uint64_t seed() const { return seed_; }
  std::uint64_t stream() const { return stream_; }
  std::uint64_t counter() const { return counter_; }
  constexpr void set_counter(std::uint64_t counter) { counter_ = counter; }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
};

}  // namespace rho
