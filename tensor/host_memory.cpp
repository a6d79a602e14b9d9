#include "tensor/host_memory.h"

#include <sys/mman.h>

#include <cstdlib>

namespace rho {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

void* allocate_host(std::size_t bytes) noexcept {
  const bool is_large = bytes >= kLargePage;
  void* pointer = nullptr;
  if (posix_memalign(&pointer, is_large ? kLargePage : kAlignment, bytes) != 0) return nullptr;
  if (is_large) madvise(pointer, bytes, MADV_HUGEPAGE);  // where it is refused, pages are small
  return pointer;
}

void release_host(void* pointer) noexcept { std::free(pointer); }

}  // namespace rho
