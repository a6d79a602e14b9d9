// Small transposes, for packing.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rho::kernels::cpu {

/// to[j * pitch_to + i] = from[i * pitch_from + j] for i, j < 4: the constant extents let the
/// compiler turn it into moves and shuffles.
template <class T>
void transpose_square(const T* from, std::int64_t pitch_from, T* to, std::int64_t pitch_to) {
  T square[4][4];
  for (int j = 0; j < 4; ++j)
    for (int i = 0; i < 4; ++i) square[j][i] = from[i * pitch_from + j];
  for (int j = 0; j < 4; ++j) std::copy_n(square[j], 4, to + j * pitch_to);
}

/// The same for i < rows, j < columns.
template <class T>
void transpose(const T* from, std::int64_t pitch_from, std::int64_t rows, std::int64_t columns,
               T* to, std::int64_t pitch_to) {
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    std::int64_t j = 0;
    for (; j + 4 <= columns; j += 4)
      transpose_square(from + i * pitch_from + j, pitch_from, to + j * pitch_to + i, pitch_to);
    for (; j < columns; ++j)
      for (std::int64_t r = i; r < i + 4; ++r) to[j * pitch_to + r] = from[r * pitch_from + j];
  }
  for (; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) to[j * pitch_to + i] = from[i * pitch_from + j];
}

}  // namespace rho::kernels::cpu
