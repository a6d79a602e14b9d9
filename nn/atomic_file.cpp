#include "nn/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tensor/error.h"

namespace rho::nn {
namespace {

// What a link leads to is replaced, not the link. Where a status cannot be had, opening says why.
std::string resolve(std::string path) {
  namespace fs = std::filesystem;
  std::error_code status_error, link_error;
  if (fs::is_symlink(path, status_error)) path = fs::weakly_canonical(path, link_error).string();
  check(!link_error, "write", path, ": ", link_error.message());
  check(!fs::exists(path, status_error) || fs::is_regular_file(path, status_error), "write", path,
        " is not a regular file");
  return path;
}

}  // namespace

AtomicFile::AtomicFile(std::string path)
    : path_(resolve(std::move(path))), temporary_(path_ + ".tmp") {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_write(errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  const char* position = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t written = ::write(descriptor_, position, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write(errno);
    position += written;
    count -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_write(errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_write(errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(errno);
  temporary_.clear();
  const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) fail_write(errno);
  const int error = ::fsync(handle) == 0 ? 0 : errno;
  ::close(handle);
  if (error != 0) fail_write(error);
}

void AtomicFile::fail_write(int error) const { fail("write", path_, ": ", std::strerror(error)); }

void write_text(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace rho::nn
