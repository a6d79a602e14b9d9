// One process at a time in a folder.
#pragma once

#include <string>

namespace rho::tools {

/// The system lets go of the lock when the process ends, however it ends. A file system without
/// locks lets everyone in.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock() { release(); }
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// True when it is held now, false when another process holds it. Throws, naming the folder,
  /// where it can not be opened.
  bool try_acquire(const std::string& folder);
  /// Waits for it.
  void acquire(const std::string& folder);
  void release();

  /// A program that is started with this descriptor open holds the lock too; -1 without a lock.
  int descriptor() const { return descriptor_; }

 private:
  bool lock(const std::string& folder, int operation);

  int descriptor_ = -1;
};

}  // namespace rho::tools
