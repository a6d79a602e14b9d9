#include "tensor/allocator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "tensor/error.h"
#include "tensor/host_memory.h"

namespace rho {
namespace {

class HostMemory final : public Memory {
 public:
  int device_count() const noexcept override { return 1; }
  void* allocate(std::size_t bytes, int) override {
    void* pointer = allocate_host(bytes);
    check(pointer != nullptr, "allocate", "the host has no ", bytes, " bytes left");
    return pointer;
  }
  void release(void* pointer, int) noexcept override { release_host(pointer); }
  void copy(const void* from, void* to, std::size_t bytes, int) override {
    std::memcpy(to, from, bytes);
  }
};

// Never destroyed: tensors with static lifetime may outlive any other static.
std::array<CachingAllocator*, kDeviceTypes>& allocators() {
  static std::array<CachingAllocator*, kDeviceTypes> table{new CachingAllocator(*new HostMemory),
                                                           nullptr};
  return table;
}

}  // namespace

std::size_t CachingAllocator::rounded(std::size_t bytes) {
  // Small blocks in steps of 512 bytes; larger ones in steps of an eighth of their power of two,
  // so that nearly equal batches share blocks and at most 12.5 % is wasted.
  std::size_t step = 512;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

void* CachingAllocator::allocate(std::size_t bytes, int device_index) {
  const std::size_t size = rounded(bytes);
  const std::scoped_lock lock(mutex_);
  void* pointer = nullptr;
  auto& bin = free_[{device_index, size}];
  if (!bin.empty()) {
    pointer = bin.back();
    bin.pop_back();
    statistics_.bytes_cached -= size;
  } else {
    pointer = allocate_from_device(size, device_index);
  }
  statistics_.bytes_in_use += size;
  statistics_.bytes_peak = std::max(statistics_.bytes_peak, statistics_.bytes_in_use);
  return pointer;
}

void CachingAllocator::release(void* pointer, std::size_t bytes, int device_index) noexcept {
  const std::size_t size = rounded(bytes);
  const std::scoped_lock lock(mutex_);
  statistics_.bytes_in_use -= size;
  statistics_.bytes_cached += size;
  free_[{device_index, size}].push_back(pointer);
}

void* CachingAllocator::allocate_from_device(std::size_t size, int device_index) {
  ++statistics_.device_calls;
  try {
    return memory_.allocate(size, device_index);
  } catch (const Error&) {
    if (statistics_.bytes_cached == 0) throw;
    release_cached();
    ++statistics_.device_calls;
    return memory_.allocate(size, device_index);
  }
}

void CachingAllocator::trim() noexcept {
  const std::scoped_lock lock(mutex_);
  release_cached();
}

void CachingAllocator::release_cached() noexcept {
  for (auto& [bin, blocks] : free_)
    for (void* block : blocks) memory_.release(block, bin.first);
  free_.clear();
  statistics_.bytes_cached = 0;
}

CachingAllocator::Statistics CachingAllocator::statistics() const {
  const std::scoped_lock lock(mutex_);
  return statistics_;
}

void CachingAllocator::reset_peak() {
  const std::scoped_lock lock(mutex_);
  statistics_.bytes_peak = statistics_.bytes_in_use;
}

CachingAllocator& allocator(DeviceType type) {
  CachingAllocator* found = allocators()[static_cast<std::size_t>(type)];
  check(found != nullptr, "allocate", "no backend for device ", type, " is part of this program");
  return *found;
}

bool has_backend(DeviceType type) noexcept {
  return allocators()[static_cast<std::size_t>(type)] != nullptr;
}

int device_count(DeviceType type) noexcept {
  const CachingAllocator* found = allocators()[static_cast<std::size_t>(type)];
  return found != nullptr ? found->memory().device_count() : 0;
}

void register_memory(DeviceType type, Memory& memory) {
  delete std::exchange(allocators()[static_cast<std::size_t>(type)], new CachingAllocator(memory));
}

}  // namespace rho
