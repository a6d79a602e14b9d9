#include "tools/support/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "tensor/error.h"

namespace rho::tools {

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

bool FolderLock::try_acquire(const std::string& folder) { return lock(folder, LOCK_EX | LOCK_NB); }

void FolderLock::acquire(const std::string& folder) { lock(folder, LOCK_EX); }

void FolderLock::release() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

bool FolderLock::lock(const std::string& folder, int operation) {
  release();
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(descriptor_ >= 0, "out", folder, ": ", std::generic_category().message(errno));
  int result = 0;
  do result = ::flock(descriptor_, operation);
  while (result != 0 && errno == EINTR);
  const bool held = result != 0 && errno == EWOULDBLOCK;
  if (held) release();
  return !held;
}

}  // namespace rho::tools
