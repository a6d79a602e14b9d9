// Memory of one device type, cached so that a steady training step allocates nothing.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "tensor/device.h"

namespace rho {

/// The raw memory of a device; a backend implements it and hands it to register_memory.
class Memory {
 public:
  virtual ~Memory() = default;
  /// How many devices of this type the machine has.
  virtual int device_count() const noexcept = 0;
  /// `bytes` > 0, aligned to 64; throws Error when there is none left.
  virtual void* allocate(std::size_t bytes, int device_index) = 0;
  virtual void release(void* pointer, int device_index) noexcept = 0;
  /// Copies `bytes`, of which one end, or both, lies in memory of this device and the other on the
  /// host; what was started on the device before comes first, and the copy is over on return.
  virtual void copy(const void* from, void* to, std::size_t bytes, int device_index) = 0;
};

/// Keeps released blocks by rounded size and hands them out again. Thread-safe.
class CachingAllocator {
 public:
  explicit CachingAllocator(Memory& memory) : memory_(memory) {}
  Memory& memory() const { return memory_; }
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  void* allocate(std::size_t bytes, int device_index);
  void release(void* pointer, std::size_t bytes, int device_index) noexcept;
  /// Gives every cached block back to the device.
  void trim() noexcept;

  struct Statistics {
    std::size_t bytes_in_use = 0;  ///< held by live tensors
    std::size_t bytes_cached = 0;  ///< held for reuse
    std::size_t bytes_peak = 0;    ///< largest bytes_in_use since reset_peak
    std::size_t device_calls = 0;  ///< how often the device itself was asked for memory
  };
  Statistics statistics() const;
  void reset_peak();

 private:
  using Bin = std::pair<int, std::size_t>;  // device index, rounded size
  static std::size_t rounded(std::size_t bytes);
  // With the mutex held. What other sizes keep cached is given back where the device has no more.
  void* allocate_from_device(std::size_t size, int device_index);
  void release_cached() noexcept;

  Memory& memory_;
  mutable std::mutex mutex_;
  std::map<Bin, std::vector<void*>> free_;
  Statistics statistics_;
};

/// The allocator of a device type; throws when no backend registered memory for it.
CachingAllocator& allocator(DeviceType type);

/// Whether this program has a backend for devices of this type.
bool has_backend(DeviceType type) noexcept;

/// Devices of this type that can be used: 0 without a backend, or without a driver.
int device_count(DeviceType type) noexcept;

/// Called by a backend when it is loaded; `memory` must live as long as the program. What was
/// registered before is replaced, which is for tests: nothing of it may be in use.
void register_memory(DeviceType type, Memory& memory);

}  // namespace rho
