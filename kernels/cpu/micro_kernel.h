// The innermost loop of every product: one register tile, compiled for each instruction set and
// chosen at run time. Matrix products and convolutions differ only in the pointers they pass.
#pragma once

#include <cstdint>

#include "kernels/cpu/integers.h"

namespace rho::kernels::cpu {

/// A product of at most so many multiply-adds is done before a second thread would wake up.
inline constexpr std::int64_t kSerialProducts = 1 << 16;

/// Where the elements of the rows lie: those of one row, or those of one step next to each other.
enum class Rows { Contiguous, Adjacent };

/// Rows times a panel of columns: out[i][j] (+)= sum over segments s and steps k of
///   row_i[row_segments[s] + k * row_step] * columns[column_segments[s] + k * column_step + j]
/// for 0 <= i < count and 0 <= j < valid_columns. Sums run in order of s, then k, so a result does
/// not depend on how its matrix is cut.
///
/// With a bias, what is stored is max(out[i][j] + bias[j] + residual[i][j], floor); NaN stays NaN.
///
/// Reads of `columns` and `bias` are whole vectors: `vectors` of the panel times `lanes` elements
/// must be readable from each position, whatever valid_columns is. Writes are exact.
template <class T>
struct PanelProduct {
  std::int64_t count = 0;
  const T* rows = nullptr;
  std::int64_t row_pitch = 1;  ///< from row to row; adjacent rows have 1
  const std::int64_t* row_segments = nullptr;
  std::int64_t row_step = 1;  ///< contiguous rows have 1
  const T* columns = nullptr;
  const std::int64_t* column_segments = nullptr;
  std::int64_t column_step = 0;
  std::int64_t segments = 1;
  std::int64_t length = 0;  ///< steps of each segment
  T* out = nullptr;
  std::int64_t out_pitch = 0;
  std::int64_t valid_columns = 0;
  bool accumulate = false;  ///< add to out instead of overwriting it

  // With contiguous rows only.
  const T* bias = nullptr;
  const T* residual = nullptr;  ///< laid out like out; null: none
  T floor = 0;
};

/// The register tiles of the running machine: as many accumulators as its registers hold, which
/// keeps the multiply-add units busy and reads each operand as rarely as can be.
template <class T>
struct MicroKernels {
  static constexpr int kMaxVectors = 4, kMaxRows = 14;
  /// Computes rows [first, first + tiles * the function's own rows).
  using Function = void (*)(const PanelProduct<T>&, std::int64_t first, std::int64_t tiles);

  struct Tiles {
    int widest;                                    ///< vectors
    int max_rows[kMaxVectors];                     ///< [vectors - 1]
    Function functions[2][kMaxVectors][kMaxRows];  ///< [last is half][vectors - 1][rows - 1]
  };

  std::int64_t lanes = 0;  ///< elements of a vector
  std::int64_t part = 0;   ///< a last vector is computed in parts of so many: whole, or in halves
  Tiles tiles[2] = {};     ///< [Rows]

  int widest(Rows rows) const { return tiles[static_cast<int>(rows)].widest; }
  int max_rows(Rows rows, int vectors) const {
    return tiles[static_cast<int>(rows)].max_rows[vectors - 1];
  }
  /// 1 <= vectors <= widest(rows). The rows are cut into as few tiles as can be, as equal as can
  /// be.
  void run(Rows rows, int vectors, const PanelProduct<T>& product) const {
    if (product.count == 0) return;
    const bool half = vectors * lanes - product.valid_columns >= part;
    const Function* const by_rows = tiles[static_cast<int>(rows)].functions[half][vectors - 1];
    const std::int64_t count = ceil_div(product.count, max_rows(rows, vectors));
    const std::int64_t least = product.count / count, larger = product.count % count;
    if (larger != 0) by_rows[least](product, 0, larger);  // these have a row more
    by_rows[least - 1](product, larger * (least + 1), count - larger);
  }
};

/// T is float or double.
template <class T>
const MicroKernels<T>& micro_kernels();

/// How `columns` columns are cut into panels of whole vectors, as equal as can be, at most `widest`
/// each. Unused columns of the last panel are zero.
template <class T>
struct Panels {
  Panels(std::int64_t columns_, int widest)
      : columns(columns_),
        lanes(micro_kernels<T>().lanes),
        all_vectors(ceil_div(columns, lanes)),
        count(ceil_div(all_vectors, widest)) {}

  std::int64_t first(std::int64_t panel) const { return first_vector(panel) * lanes; }
  std::int64_t valid(std::int64_t panel) const {
    return first(panel) + width(panel) < columns ? width(panel) : columns - first(panel);
  }
  int vectors(std::int64_t panel) const {
    return static_cast<int>(first_vector(panel + 1) - first_vector(panel));
  }
  std::int64_t width(std::int64_t panel) const { return vectors(panel) * lanes; }
  /// The valid columns, and those after them that are computed with them.
  std::int64_t computed(std::int64_t panel) const {
    const std::int64_t part = micro_kernels<T>().part;
    return ceil_div(valid(panel), part) * part;
  }
  /// Columns of all panels, the unused ones included.
  std::int64_t padded() const { return all_vectors * lanes; }
  /// The panel of a column.
  std::int64_t of(std::int64_t column) const {
    return ((column / lanes + 1) * count - 1) / all_vectors;
  }

  std::int64_t columns, lanes, all_vectors, count;

 private:
  std::int64_t first_vector(std::int64_t panel) const { return all_vectors * panel / count; }
};

}  // namespace rho::kernels::cpu
