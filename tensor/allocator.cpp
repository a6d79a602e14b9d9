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
  void release(void* pointer, std::size_t bytes, int) noexcept override {
    release_host(pointer, bytes);
  }
  void copy(const void* from, void* to, std::size_t bytes, int) override {
    std::memcpy(to, from, bytes);
  }
};

// Never destroyed: tensors with static lifetime may outlive any other static.
using Allocators = std::array<CachingAllocator*, kDeviceTypes>;
Allocators& allocators() {
  static Allocators table{new CachingAllocator(*new HostMemory), nullptr};
  return table;
}
Allocators& staging_allocators() {
  static Allocators table{allocators()[0], nullptr};
  return table;
}

CachingAllocator*& of(Allocators& table, DeviceType type) {
  return table[static_cast<std::size_t>(type)];
}

CachingAllocator& expect(Allocators& table, DeviceType type) {
  CachingAllocator* const found = of(table, type);
  check(found != nullptr, "allocate", "no backend for device ", type, " is part of this program");
  return *found;
}

}  // namespace

std::size_t CachingAllocator::rounded(std::size_t bytes) {
  // Small blocks in whole cache lines; larger ones in steps of an eighth of their power of two,
  // so that nearly equal batches share blocks and at most 12.5 % is wasted.
  std::size_t step = 64;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

Block CachingAllocator::allocate(std::size_t bytes, int device_index) {
  Block block{nullptr, rounded(bytes), device_index, memory_.order(device_index)};
  const std::scoped_lock lock(mutex_);
  std::vector<void*>& bin = bin_of(block);
  if (bin.empty()) collect_passed();
  if (!bin.empty()) {
    block.pointer = bin.back();
    bin.pop_back();
    statistics_.bytes_cached -= block.bytes;
  } else {
    block.pointer = allocate_from_device(block.bytes, device_index);
  }
  statistics_.bytes_in_use += block.bytes;
  statistics_.bytes_peak = std::max(statistics_.bytes_peak, statistics_.bytes_in_use);
  return block;
}

void CachingAllocator::release(const Block& block) noexcept {
  std::unique_ptr<Mark> mark = memory_.free_after(block);
  const std::scoped_lock lock(mutex_);
  statistics_.bytes_in_use -= block.bytes;
  statistics_.bytes_cached += block.bytes;
  if (mark != nullptr)
    waiting_.emplace_back(block, std::move(mark));
  else
    put_back(block);
}

void CachingAllocator::put_back(const Block& block) noexcept {
  if (ended_.contains(block.order)) {
    memory_.release(block.pointer, block.bytes, block.device_index);
    statistics_.bytes_cached -= block.bytes;
  } else {
    bin_of(block).push_back(block.pointer);
  }
}

void CachingAllocator::collect_passed() noexcept {
  std::erase_if(waiting_, [&](const auto& waiting) {
    const auto& [block, mark] = waiting;
    if (!mark->passed()) return false;
    put_back(block);
    return true;
  });
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
  collect_passed();
  release_bins([&](std::uint64_t order) { return !reserved_.contains(order); });
}

template <class Wanted>
void CachingAllocator::release_bins(const Wanted& wanted) noexcept {
  std::erase_if(free_, [&](const auto& entry) {
    const auto& [order, device_index, size] = entry.first;
    if (!wanted(order)) return false;
    for (void* const block : entry.second) memory_.release(block, size, device_index);
    statistics_.bytes_cached -= size * entry.second.size();
    return true;
  });
}

void CachingAllocator::reserve(std::uint64_t order) {
  const std::scoped_lock lock(mutex_);
  reserved_.insert(order);
}

void CachingAllocator::end_reserve(std::uint64_t order) noexcept {
  const std::scoped_lock lock(mutex_);
  reserved_.erase(order);
  ended_.insert(order);
  release_bins([&](std::uint64_t other) { return other == order; });
}

CachingAllocator::Statistics CachingAllocator::statistics() const {
  const std::scoped_lock lock(mutex_);
  return statistics_;
}

void CachingAllocator::reset_peak() {
  const std::scoped_lock lock(mutex_);
  statistics_.bytes_peak = statistics_.bytes_in_use;
}

CachingAllocator& allocator(DeviceType type) { return expect(allocators(), type); }
CachingAllocator& staging_allocator(DeviceType type) { return expect(staging_allocators(), type); }

bool has_backend(DeviceType type) noexcept { return of(allocators(), type) != nullptr; }

int device_count(DeviceType type) noexcept {
  const CachingAllocator* const found = of(allocators(), type);
  return found != nullptr ? found->memory().device_count() : 0;
}

void register_memory(DeviceType type, Memory& memory) {
  delete std::exchange(of(allocators(), type), new CachingAllocator(memory));
}

void register_staging_memory(DeviceType type, Memory& memory) {
  delete std::exchange(of(staging_allocators(), type), new CachingAllocator(memory));
}

}  // namespace rho
