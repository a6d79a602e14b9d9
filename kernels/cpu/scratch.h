// Work memory of one thread, kept between calls so that a steady state allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/error.h"
#include "tensor/host_memory.h"

namespace rho::kernels::cpu {

/// Declare as `thread_local`; contents do not survive the next call of get().
class Scratch {
 public:
  /// `count` uninitialised elements, aligned to 64 bytes.
  template <class T>
  T* get(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if (bytes > bytes_) {
      memory_.reset();
      bytes_ = 0;  // stays so where there is no memory left
      memory_.reset(static_cast<std::byte*>(allocate_host(bytes)));
      check(memory_ != nullptr, "allocate", "the host has no ", bytes, " bytes left");
      bytes_ = bytes;
    }
    return reinterpret_cast<T*>(memory_.get());
  }

 private:
  struct Release {
    void operator()(std::byte* pointer) const { release_host(pointer); }
  };
  std::unique_ptr<std::byte, Release> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace rho::kernels::cpu
