// Work memory of one thread, kept between calls so that a steady state allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/error.h"
#include "tensor/host_memory.h"

namespace rho::kernels::cpu {

/// Declare as `thread_local`; contents do not survive the next call of get().
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { release(); }

  /// `count` uninitialised elements, aligned to 64 bytes.
  template <class T>
  T* get(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > bytes_) {
      release();
      memory_ = allocate_host(bytes);
      check(memory_ != nullptr, "allocate", "the host has no ", bytes, " bytes left");
      bytes_ = bytes;
    }
    return static_cast<T*>(memory_);
  }

 private:
  void release() noexcept {
    release_host(memory_, bytes_);
    memory_ = nullptr;
    bytes_ = 0;
  }

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace rho::kernels::cpu
