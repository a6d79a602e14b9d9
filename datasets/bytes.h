// A whole file in memory, plain or gzip.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rho::datasets {

/// The content of `path`, decompressed where it is gzip. Throws, naming the file, when it is
/// missing, truncated or corrupt.
std::vector<std::uint8_t> read_bytes(const std::string& path);

/// `name` or `name` + ".gz" in `directory`, whichever exists. Throws, naming both, otherwise.
std::string find_plain_or_gzip(const std::string& directory, const std::string& name);

}  // namespace rho::datasets
