// For emulated libraries: work in a stream.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/cuda_emulator/cuda_runtime.h"

namespace rho::cuda_emulator {

/// Does `work`, which may touch device memory, when the stream comes to it.
void enqueue(cudaStream_t stream, std::function<void()> work);

/// Part of work that has `bytes` of space: writes both ends of it. What is smaller than it was said
/// to be, or somebody else's by now, shows.
inline void scribble(void* space, std::size_t bytes) {
  const std::size_t end = std::min<std::size_t>(bytes, 256);
  if (end == 0) return;
  std::memset(space, 0xa5, end);
  std::memset(static_cast<std::byte*>(space) + bytes - end, 0xa5, end);
}

}  // namespace rho::cuda_emulator
