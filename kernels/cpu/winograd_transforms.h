// The transforms of Winograd's minimal filtering, compiled for each instruction set and chosen at
// run time (Winograd 1980; Lavin and Gray 2016, who write G = S E(k) and A = E(m)).
#pragma once

#include <cstdint>

namespace rho::kernels::cpu {

/// One way to slide a filter over squares of pixels: all three directions of a convolution, in
/// tiles of which a transform makes frequencies. In one dimension, with E(k) evaluating a
/// polynomial of k coefficients at the points, S scaling and B^T interpolating:
///
/// - stride 1, r = 3 or 5 taps, the points 0, 1, -1, 2, -2, infinity, and for five taps 1/2, -1/2:
///     y = E(4)^T ((S E(r) w) * (B^T d)),  w' = E(r)^T ((S E(4) g) * (B^T d))
///   and the gradient of the inputs slides the reversed filter over g.
/// - stride 2, five taps: the four phases, even or odd rows of filter and inputs times even or odd
///   columns, are convolutions of stride 1 whose products are added. An odd one has two taps, of
///   three the last is 0, and with it all products at infinity; of the reversed filter the first
///   is, and all products at the point 0. They are left out.
/// - stride 2, taps w0, w1, w2, four outputs: the even inputs meet w0 and w2, two taps of stride 1
///   with the five points 0, 1, -1, 2, infinity; the odd ones meet w1 alone and stay as they are.
///   The nine frequencies of a tile share the six of a filter, S E(2) (w0, w2) and w1. The padding
///   must be odd, so that a tile of the input's gradient begins with a pixel that met w1.
///
/// In two dimensions each is applied to columns, then rows. Vectors run along channels.
struct WinogradScheme {
  static constexpr int kTile = 4;  ///< outputs of a tile in each dimension
  static constexpr int kMaxTaps = 5;
  static constexpr std::int64_t kMaxPoints = 9;
  static constexpr std::int64_t kMaxFrequencies = kMaxPoints * kMaxPoints;
  static constexpr std::int64_t kMaxPhases = 4;

  /// A square of n x n cells: the channels of row i and column j lie at rows[i] + j * across.
  template <class T>
  struct Square {
    T* rows[kMaxPoints];
    std::int64_t across;
    std::int64_t first, last;  ///< the columns that are there: [first, last)

    bool has(std::int64_t column) const { return first <= column && column < last; }
  };

  /// Cells to frequencies: all rows are there, columns that are not are zeros; frequency f goes to
  /// out + f * stride: `channels` values, and zeros to the end of the last vector.
  struct Forwards {
    std::int64_t cells = 0;  ///< n
    void (*apply)(const Square<const float>& square, std::int64_t channels, float* out,
                  std::int64_t stride) = nullptr;
  };
  /// What cells go through before they are stored: v <- max(v + bias + residual, floor).
  struct Finish {
    const float* bias;      ///< of every channel
    const float* residual;  ///< laid out like `out`; null: none
    const float* out;       ///< where the cells lie
    float floor;
  };
  /// Sums over the cells of tiles, of every channel. A tile's own are in float, those of all in
  /// double.
  struct Moments {
    bool first;       ///< tile: its cell 0 becomes the centre
    float* centre;    ///< from which cells deviate
    double* sums;     ///< += deviations
    double* squares;  ///< += those squared
  };
  /// Frequencies at m + f * stride to the cells that are there, in rows that are not null:
  /// `channels` values exactly, finished where `finish` is not null.
  struct Backwards {
    using Function = void (*)(const float* m, std::int64_t stride, std::int64_t channels,
                              const Square<float>& square, const Finish* finish);
    using Summing = void (*)(const float* m, std::int64_t stride, std::int64_t channels,
                             const Square<float>& square, const Moments& moments);
    std::int64_t cells = 0;  ///< n
    Function apply = nullptr;
    /// The same, past the caches: for pixels that lie on lines of 64 bytes. Null where a vector is
    /// no whole line.
    Function stream = nullptr;
    /// The two with sums of what is stored, for whole vectors of channels; for y alone.
    Summing apply_summing = nullptr, stream_summing = nullptr;
  };
  static constexpr std::int64_t kNone = -1;
  /// Where a filter slides: what it slides over, and what that gives.
  struct Direction {
    Forwards input[kMaxPhases];  ///< of each phase
    Backwards output[kMaxPhases];
    /// The point at which odd phases have no products.
    std::int64_t absent = kNone;
  };

  std::int64_t points = 0;  ///< of a tile in one dimension
  /// Of a filter: the last one serves all of a tile's from there on.
  std::int64_t filter_points = 0;
  Forwards filter;
  Direction forward;      ///< x to y
  Direction input_grad;   ///< gradients of y to those of x
  Forwards gradient;      ///< of y, as it takes the part of the filter: a tile's frequencies
  Backwards weight_grad;  ///< from a filter's frequencies

  std::int64_t frequencies() const { return points * points; }
  std::int64_t filter_frequencies() const { return filter_points * filter_points; }
  /// Calls body(f) for the frequencies of a tile that are multiplied with frequency of_filter of a
  /// filter, in order.
  template <class Body>
  void for_each_frequency(std::int64_t of_filter, const Body& body) const {
    const std::int64_t last = filter_points - 1;
    const std::int64_t i = of_filter / filter_points, j = of_filter % filter_points;
    for (std::int64_t a = i; a < (i < last ? i + 1 : points); ++a)
      for (std::int64_t b = j; b < (j < last ? j + 1 : points); ++b) body(a * points + b);
  }

  /// Whether a phase has products of a frequency that are not 0.
  bool has(const Direction& direction, std::int64_t frequency, std::int64_t phase) const {
    return !(phase / 2 == 1 && frequency / points == direction.absent) &&
           !(phase % 2 == 1 && frequency % points == direction.absent);
  }
};

/// The schemes of the running machine.
struct WinogradSchemes {
  WinogradScheme taps3, taps5, taps3_stride2, taps5_stride2;
};
const WinogradSchemes& winograd_schemes();

}  // namespace rho::kernels::cpu
