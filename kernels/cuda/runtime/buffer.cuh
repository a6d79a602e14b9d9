// A kernel's own array on the device.
#pragma once

#include <vector>

#include "tensor/allocator.h"
#include "tensor/tensor.h"

namespace rho::kernels::cuda {

/// `count` values of a trivially copyable type, uninitialised, from the caching allocator.
template <class T>
class Buffer {
 public:
  Buffer(std::int64_t count, Device device)
      : bytes_(
            Tensor::empty({count * static_cast<std::int64_t>(sizeof(T))}, DType::UInt8, device)) {}
  Buffer(const std::vector<T>& values, Device device)
      : Buffer(static_cast<std::int64_t>(values.size()), device) {
    move(values.data(), data());
  }

  T* data() const { return static_cast<T*>(bytes_.raw()); }
  /// Waits for what fills the array, and copies it.
  std::vector<T> download() const {
    std::vector<T> values(static_cast<std::size_t>(bytes_.numel()) / sizeof(T));
    move(data(), values.data());
    return values;
  }

 private:
  void move(const T* from, T* to) const {
    if (bytes_.numel() == 0) return;
    const Device device = bytes_.device();
    allocator(device.type)
        .memory()
        .copy(from, to, static_cast<std::size_t>(bytes_.numel()), device.index);
  }

  Tensor bytes_;
};

}  // namespace rho::kernels::cuda
