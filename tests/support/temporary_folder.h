// A folder that is gone with the test.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "nn/temporary_folder.h"

namespace rho::testing {

class TemporaryFolder : public nn::TemporaryFolder {
 public:
  TemporaryFolder() : nn::TemporaryFolder("test") {}

  std::string string() const { return path().string(); }

  /// Writes `content` to `name`, making the folders on the way; the path.
  std::string write(const std::string& name, const std::string& content) const {
    const std::filesystem::path to = path() / name;
    std::filesystem::create_directories(to.parent_path());
    std::ofstream(to, std::ios::binary) << content;
    return to.string();
  }
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace rho::testing
