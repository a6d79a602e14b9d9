// The transforms of Winograd's minimal filtering with six points (0, 1, -1, 2, -2, infinity) in
// each direction, compiled for each instruction set and chosen at run time.
#pragma once

#include <cstdint>

namespace rho::kernels::cpu {

/// A filter of k taps slides over a line of 6 inputs and gives 7 - k outputs, for any k:
///   y = E(7 - k)^T ((S E(k) w) * (B^T d))
/// where E(k) evaluates a polynomial of k coefficients at the points, S scales and B^T interpolates
/// (Winograd 1980; Lavin and Gray 2016, who write G = S E(k) and A = E(7 - k)). In two dimensions
/// each is applied to columns, then rows. Vectors run along channels.
struct WinogradTransforms {
  static constexpr int kPoints = 6;
  static constexpr int kFrequencies = kPoints * kPoints;
  static constexpr int kMinTaps = 2, kMaxTaps = 5;

  /// cells[i * 6 + j]: the channels of the input at row i and column j. B^T d B goes to
  /// out + f * stride for each frequency f: `channels` values, and zeros to the end of the last
  /// vector.
  using Input = void (*)(const float* const* cells, std::int64_t channels, float* out,
                         std::int64_t stride);
  /// cells[a * k + b] likewise; S E(k) w E(k)^T S.
  using Filter = Input;
  /// E(k)^T m E(k) of the frequencies at m + f * stride, to the pixels at cells[i * k + j] where
  /// these are not null: `channels` values exactly.
  using Output = void (*)(const float* m, std::int64_t stride, std::int64_t channels,
                          float* const* cells);

  Input input = nullptr;
  Filter filter[kMaxTaps + 1] = {};  ///< [k]
  Output output[kMaxTaps + 1] = {};  ///< [k]
  /// The same, past the caches: for pixels that lie on lines of 64 bytes. Null where a vector is no
  /// whole line.
  Output stream_output[kMaxTaps + 1] = {};
};

/// Those of the running machine.
const WinogradTransforms& winograd_transforms();

}  // namespace rho::kernels::cpu
