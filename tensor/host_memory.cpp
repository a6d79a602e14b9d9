#include "tensor/host_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace rho {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kPage = std::size_t{64} << 10;  // no system has larger small ones
constexpr std::size_t kLargePage = std::size_t{2} << 20;

template <class Integer>
constexpr Integer rounded_up(Integer value, std::size_t step) {
  return (value + step - 1) / step * step;
}

bool has_large_pages(std::size_t bytes) { return bytes >= kLargePage; }

/// Pages that nobody has touched: the heap hands out again what has small pages already, and those
/// never become large.
void* map_large(std::size_t bytes) noexcept {
  const std::size_t size = rounded_up(bytes, kPage), mapped = size + kLargePage;
  if (mapped < bytes) return nullptr;
  void* const found =
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(found);
  const auto address = reinterpret_cast<std::uintptr_t>(first);
  const std::size_t before = rounded_up(address, kLargePage) - address;
  std::byte* const start = first + before;
  if (before > 0) munmap(first, before);
  munmap(start + size, kLargePage - before);
  madvise(start, size, MADV_HUGEPAGE);  // where it is refused, pages are small
  return start;
}

}  // namespace

void* allocate_host(std::size_t bytes) noexcept {
  if (has_large_pages(bytes)) return map_large(bytes);
  void* pointer = nullptr;
  return posix_memalign(&pointer, kAlignment, bytes) == 0 ? pointer : nullptr;
}

void release_host(void* pointer, std::size_t bytes) noexcept {
  if (has_large_pages(bytes))
    munmap(pointer, rounded_up(bytes, kPage));
  else
    std::free(pointer);
}

}  // namespace rho
