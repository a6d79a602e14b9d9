// A kernel's own array on the device.
#pragma once

#include <vector>

#include "kernels/cuda/runtime/upload.cuh"
#include "tensor/tensor.h"

namespace rho::kernels::cuda {

/// `count` values of a trivially copyable type, uninitialised or those of the host.
template <class T>
class Buffer {
 public:
  Buffer(std::int64_t count, Device device)
      : bytes_(
            Tensor::empty({count * static_cast<std::int64_t>(sizeof(T))}, DType::UInt8, device)) {}
  Buffer(const std::vector<T>& values, Device device)
      : Buffer(static_cast<std::int64_t>(values.size()), device) {
    upload("cuda copy", values.data(), static_cast<std::size_t>(bytes_.numel()), data(), device);
  }

  T* data() const { return static_cast<T*>(bytes_.raw()); }
  /// Waits for what fills the array, and copies it.
  std::vector<T> download() const {
    const Tensor here = bytes_.to(Device{});
    const T* const values = static_cast<const T*>(here.raw());
    return {values, values + static_cast<std::size_t>(bytes_.numel()) / sizeof(T)};
  }

 private:
  Tensor bytes_;
};

}  // namespace rho::kernels::cuda
