// Sums over the rows of a matrix, in double, with the same bits for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/cpu/parallel.h"

namespace rho::kernels::cpu {

/// Elements added up before a partial sum is stored. It cuts the rows into chunks that depend on
/// the shape alone, so the order of additions does not depend on the threads.
inline constexpr std::int64_t kSumChunk = 16384;

/// Returns `width` sums over `rows` rows. add(first, last, partial) adds rows [first, last) to
/// partial[0, width), which starts at zero; calls may come from several threads. `columns`:
/// elements of one row.
template <class AddRows>
std::vector<double> column_sums(std::int64_t rows, std::int64_t columns, std::int64_t width,
                                const AddRows& add) {
  const std::int64_t per_chunk =
      std::max<std::int64_t>(kSumChunk / std::max<std::int64_t>(columns, 1), 1);
  const std::int64_t chunks = (rows + per_chunk - 1) / per_chunk;
  std::vector<double> partial(static_cast<std::size_t>(chunks * width), 0.0);
  parallel_for(chunks, [&](std::int64_t chunk) {
    add(chunk * per_chunk, std::min((chunk + 1) * per_chunk, rows), partial.data() + chunk * width);
  });
  std::vector<double> sums(static_cast<std::size_t>(width), 0.0);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk)
    for (std::int64_t i = 0; i < width; ++i)
      sums[static_cast<std::size_t>(i)] += partial[static_cast<std::size_t>(chunk * width + i)];
  return sums;
}

}  // namespace rho::kernels::cpu
