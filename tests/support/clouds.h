// A small table that can be learned.
#pragma once

#include <filesystem>
#include <fstream>

#include "tensor/random.h"

namespace rho::testing {

/// A CSV file with a header and `rows` examples: three overlapping Gaussian clouds in four
/// dimensions, around the first three unit vectors times 2.
inline void write_clouds(const std::filesystem::path& path, int rows, std::uint64_t seed) {
  std::ofstream out(path);
  out << "a,b,c,d,label\n";
  Rng rng(seed);
  for (int i = 0; i < rows; ++i) {
    const int label = i % 3;
    for (int d = 0; d < 4; ++d) out << rng.normal() + (d == label ? 2.0 : 0.0) << ',';
    out << label << '\n';
  }
}

}  // namespace rho::testing
