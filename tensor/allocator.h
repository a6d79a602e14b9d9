// Memory of one device type, cached so that a steady training step allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tensor/device.h"

namespace rho {

/// A block of device memory. `order` names the sequence of work that it was handed out to (see
/// Memory::order).
struct Block {
  void* pointer = nullptr;
  std::size_t bytes = 0;
  int device_index = 0;
  std::uint64_t order = 0;
};

/// A point in a device's work.
class Mark {
 public:
  Mark() = default;
  virtual ~Mark() = default;
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  /// Whether all work before it is done. Does not wait.
  virtual bool passed() noexcept = 0;
};

/// The raw memory of a device; a backend implements it and hands it to register_memory.
class Memory {
 public:
  virtual ~Memory() = default;
  /// How many devices of this type the machine has.
  virtual int device_count() const noexcept = 0;
  /// `bytes` > 0, aligned to 64; throws Error when there is none left.
  virtual void* allocate(std::size_t bytes, int device_index) = 0;
  /// What allocate returned for as many bytes.
  virtual void release(void* pointer, std::size_t bytes, int device_index) noexcept = 0;
  /// Copies `bytes`, of which one end, or both, lies in memory of this device and the other on the
  /// host; what was started on the device before comes first, and the copy is over on return.
  virtual void copy(const void* from, void* to, std::size_t bytes, int device_index) = 0;
  /// Returns when this thread's work on the device is done. The host does its work at once.
  virtual void wait(int /*device_index*/) {}

  /// Names the sequence in which this thread's work on a device is done, which lags behind the
  /// thread: a block that is released can be handed out again in the same sequence at once. The
  /// host does its work at once, in one sequence.
  virtual std::uint64_t order(int /*device_index*/) const { return 0; }
  /// Where the block, which this thread has just released, is free for its order; null: here.
  virtual std::unique_ptr<Mark> free_after(const Block&) noexcept { return nullptr; }
};

/// Keeps released blocks by rounded size and hands them out again, each in its own order of work,
/// and none while work of another order may still use it. Thread-safe.
class CachingAllocator {
 public:
  explicit CachingAllocator(Memory& memory) : memory_(memory) {}
  Memory& memory() const { return memory_; }
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  /// At least `bytes` > 0.
  Block allocate(std::size_t bytes, int device_index);
  void release(const Block& block) noexcept;
  /// Gives every cached block back to the device, but for those of reserved orders.
  void trim() noexcept;

  /// From now on blocks of `order` stay: work that was captured in it will use them again.
  void reserve(std::uint64_t order);
  /// The end of that, and of the order: its blocks go back to the device.
  void end_reserve(std::uint64_t order) noexcept;

  struct Statistics {
    std::size_t bytes_in_use = 0;  ///< held by live tensors
    std::size_t bytes_cached = 0;  ///< held for reuse
    std::size_t bytes_peak = 0;    ///< largest bytes_in_use since reset_peak
    std::size_t device_calls = 0;  ///< how often the device itself was asked for memory
  };
  Statistics statistics() const;
  void reset_peak();

 private:
  using Bin = std::tuple<std::uint64_t, int, std::size_t>;  // order, device index, rounded size
  static std::size_t rounded(std::size_t bytes);
  // The rest with the mutex held.
  std::vector<void*>& bin_of(const Block& block) {
    return free_[{block.order, block.device_index, block.bytes}];
  }
  void put_back(const Block& block) noexcept;
  void collect_passed() noexcept;
  // What other sizes keep cached is given back where the device has no more.
  void* allocate_from_device(std::size_t size, int device_index);
  void release_cached() noexcept;
  template <class Wanted>  // of an order
  void release_bins(const Wanted& wanted) noexcept;

  Memory& memory_;
  mutable std::mutex mutex_;
  std::map<Bin, std::vector<void*>> free_;
  std::vector<std::pair<Block, std::unique_ptr<Mark>>> waiting_;  // released, maybe still in use
  std::set<std::uint64_t> reserved_, ended_;                      // orders
  Statistics statistics_;
};

/// The allocator of a device type; throws when no backend registered memory for it.
CachingAllocator& allocator(DeviceType type);

/// The allocator of host memory that devices of this type read and write without a detour; of the
/// host's own for the host.
CachingAllocator& staging_allocator(DeviceType type);

/// Whether this program has a backend for devices of this type.
bool has_backend(DeviceType type) noexcept;

/// Devices of this type that can be used: 0 without a backend, or without a driver.
int device_count(DeviceType type) noexcept;

/// Called by a backend when it is loaded; `memory` must live as long as the program. What was
/// registered before is replaced, which is for tests: nothing of it may be in use.
void register_memory(DeviceType type, Memory& memory);
void register_staging_memory(DeviceType type, Memory& memory);

}  // namespace rho
