#include "datasets/bytes.h"

#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "tensor/error.h"

namespace rho::datasets {
namespace fs = std::filesystem;

std::vector<std::uint8_t> read_bytes(const std::string& path) {
  check(fs::is_regular_file(path), "datasets", path, " is not a file");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  check(file != nullptr, "datasets", "cannot open ", path, ": ",
        std::generic_category().message(errno));
  gzbuffer(file.get(), 1 << 17);

  constexpr std::size_t kChunk = 1 << 20;
  std::vector<std::uint8_t> bytes;
  while (true) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kChunk);
    const int count = gzread(file.get(), bytes.data() + before, kChunk);
    int error = Z_OK;
    const char* const message = gzerror(file.get(), &error);
    // At the end of a gzip that was cut short zlib returns what there is, and Z_BUF_ERROR.
    check(count >= 0 && error != Z_BUF_ERROR, "datasets", path, " is not a complete gzip file: ",
          error == Z_ERRNO ? std::generic_category().message(errno) : message);
    bytes.resize(before + static_cast<std::size_t>(count));
    if (count == 0) return bytes;
  }
}

std::string find_plain_or_gzip(const std::string& directory, const std::string& name) {
  std::string plain = (fs::path(directory) / name).string();
  if (fs::exists(plain)) return plain;
  check(fs::exists(plain + ".gz"), "datasets", "found neither ", plain, " nor ", plain, ".gz");
  return plain + ".gz";
}

}  // namespace rho::datasets
