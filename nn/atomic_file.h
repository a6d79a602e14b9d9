// Replacing a file in one step: whoever reads it sees the old one or the new one, never a part.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rho::nn {

/// Collects the new content in "PATH.tmp" and moves it over PATH (over what PATH leads to,
/// where it is a link) in commit(). Every error names PATH; without a commit PATH stays as it was
/// and the temporary file is removed.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t count);
  /// Flushes the file, renames it, flushes the directory: then PATH survives a power cut.
  void commit();

 private:
  [[noreturn]] void fail_write(int error) const;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

/// The whole of PATH = text.
void write_text(const std::string& path, std::string_view text);

}  // namespace rho::nn
