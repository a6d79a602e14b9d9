// Memory in pieces of up to 16 bytes, which a thread reads and writes with one instruction.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace rho::kernels::cuda {

/// Elements that lie next to each other, for one instruction.
template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Vector {
  T value[kWidth];
};
template <class T>
inline constexpr int kWidest = 16 / static_cast<int>(sizeof(T));

template <int kWidth, class T>
__device__ Vector<T, kWidth> read(const T* from) {
  return *reinterpret_cast<const Vector<T, kWidth>*>(from);
}
template <int kWidth, class T>
__device__ void write(T* to, const Vector<T, kWidth>& vector) {
  *reinterpret_cast<Vector<T, kWidth>*>(to) = vector;
}

/// Whether every address `first` + a sum of multiples of the `steps` is one of a vector.
template <class T, class... Steps>
bool in_vectors(const T* first, const Steps&... steps) {
  return reinterpret_cast<std::uintptr_t>(first) % 16 == 0 && ((steps % kWidest<T> == 0) && ...);
}

/// An element of an array, or of none.
template <class T>
__device__ T value_or_0(const T* of, std::int64_t at) {
  return of != nullptr ? of[at] : T{0};
}

}  // namespace rho::kernels::cuda
