// What the host and a device tell each other in every step, without copies.
#pragma once

#include <memory>
#include <span>
#include <type_traits>

#include "tensor/tensor.h"

namespace rho {

/// `count` values that this thread and its work on `device` both read and write in place, T{}
/// at first. What the device writes can be read, and what it reads be changed, after wait().
template <class T>
class Shared {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  Shared() = default;  ///< no values
  Shared(std::size_t count, Device device)
      : bytes_(
            Tensor::staging({static_cast<std::int64_t>(count * sizeof(T))}, DType::UInt8, device)),
        count_(count),
        device_(device) {
    std::uninitialized_fill_n(data(), count, T{});
  }

  std::span<T> values() const { return {data(), count_}; }
  T* data() const { return count_ > 0 ? static_cast<T*>(bytes_.raw()) : nullptr; }
  T& front() const { return *data(); }
  /// Returns when this thread's work on the device is done.
  void wait() const { allocator(device_.type).memory().wait(device_.index); }

 private:
  Tensor bytes_;
  std::size_t count_ = 0;
  Device device_;
};

}  // namespace rho
