// A folder for files that somebody else reads or writes, gone with its owner.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "tensor/error.h"

namespace rho::nn {

class TemporaryFolder {
 public:
  /// rho-<op>-XXXXXX, the X drawn, where the system keeps such. Throws in the name of `op` where it
  /// cannot be made.
  explicit TemporaryFolder(const std::string& op) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / ("rho-" + op + "-XXXXXX")).string();
    check(::mkdtemp(pattern.data()) != nullptr, op, "cannot make ", pattern, ": ",
          std::strerror(errno));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace rho::nn
