// The innermost loop of every product: one register tile, compiled for each instruction set and
// chosen at run time. Matrix products and convolutions differ only in the pointers they pass.
#pragma once

#include <cstdint>

namespace rho::kernels::cpu {

/// A product of at most so many multiply-adds is done before a second thread would wake up.
inline constexpr std::int64_t kSerialProducts = 1 << 16;

/// out[i][j] (+)= sum over segments s and steps k of
///   rows[i][row_segments[s] + k * row_step] * columns[column_segments[s] + k * column_step + j]
/// for every row i of the tile and 0 <= j < valid_columns. Sums run in order of s, then k, so a
/// result does not depend on how its matrix is cut into tiles.
///
/// Reads of `columns` are whole vectors: `vectors` of the tile times `lanes` elements must be
/// readable from each position, whatever valid_columns is. Writes are exact.
template <class T>
struct MicroTile {
  static constexpr int kMaxRows = 8;

  const T* rows[kMaxRows] = {};
  const std::int64_t* row_segments = nullptr;
  std::int64_t row_step = 1;
  const T* columns = nullptr;
  const std::int64_t* column_segments = nullptr;
  std::int64_t column_step = 0;
  std::int64_t segments = 1;
  std::int64_t length = 0;  ///< steps of each segment
  T* out[kMaxRows] = {};
  std::int64_t valid_columns = 0;
  bool accumulate = false;  ///< add to out instead of overwriting it
};

/// The register tiles of the running machine. Two accumulator shapes keep its multiply-add units
/// busy: six rows of two vectors, and, for a last narrow column panel, eight rows of one.
template <class T>
struct MicroKernels {
  using Function = void (*)(const MicroTile<T>&);

  std::int64_t lanes = 0;                              ///< elements of a vector
  Function functions[2][MicroTile<T>::kMaxRows] = {};  ///< [vectors - 1][rows - 1]

  static constexpr int max_rows(int vectors) { return vectors == 2 ? 6 : 8; }
  /// 1 <= vectors <= 2, 1 <= rows <= max_rows(vectors)
  void run(int rows, int vectors, const MicroTile<T>& tile) const {
    functions[vectors - 1][rows - 1](tile);
  }
};

/// T is float or double.
template <class T>
const MicroKernels<T>& micro_kernels();

/// How `columns` columns are cut into packed panels: panels of 2 * lanes columns, and a last one of
/// one vector where that is enough. Unused columns of the last panel are zero.
template <class T>
struct Panels {
  explicit Panels(std::int64_t columns_)
      : columns(columns_),
        lanes(micro_kernels<T>().lanes),
        count((columns + 2 * lanes - 1) / (2 * lanes)) {}

  std::int64_t first(std::int64_t panel) const { return panel * 2 * lanes; }
  std::int64_t valid(std::int64_t panel) const {
    return columns - first(panel) < 2 * lanes ? columns - first(panel) : 2 * lanes;
  }
  int vectors(std::int64_t panel) const { return valid(panel) > lanes ? 2 : 1; }
  std::int64_t width(std::int64_t panel) const { return vectors(panel) * lanes; }
  /// Columns of all panels, the unused ones included.
  std::int64_t padded() const { return count == 0 ? 0 : first(count - 1) + width(count - 1); }

  std::int64_t columns, lanes, count;
};

}  // namespace rho::kernels::cpu
