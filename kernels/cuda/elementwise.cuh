// A function object for every element: of a range, of a matrix by its channels, and of tensors of
// one shape and any strides.
#pragma once

#include <algorithm>

#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/strided_loop.h"

namespace rho::kernels::cuda {

/// A StridedLoop in plain arrays, as a kernel's argument.
template <int N>
struct DeviceLoop {
  int rank;
  std::int64_t count;
  std::int64_t shape[Dims::kMax];
  std::int64_t strides[N][Dims::kMax];

  explicit DeviceLoop(const StridedLoop<N>& loop)
      : rank(loop.shape.size()), count(numel(loop.shape)) {
    for (int d = 0; d < rank; ++d) {
      shape[d] = loop.shape[d];
      for (int t = 0; t < N; ++t) strides[t][d] = loop.strides[static_cast<std::size_t>(t)][d];
    }
  }

  __host__ __device__ void offsets(std::int64_t element, std::int64_t (&out)[N]) const {
    for (int t = 0; t < N; ++t) out[t] = 0;
    for (int d = rank - 1; d > 0; --d) {
      const std::int64_t index = element % shape[d];
      element /= shape[d];
      for (int t = 0; t < N; ++t) out[t] += index * strides[t][d];
    }
    for (int t = 0; t < N; ++t) out[t] += element * strides[t][0];
  }
};

/// Blocks of a grid-stride loop over `count` elements.
inline unsigned blocks_for(std::int64_t count) {
  constexpr std::int64_t kMost = 65535;
  return static_cast<unsigned>(std::min((count + kThreads - 1) / kThreads, kMost));
}

template <class F>
__global__ void for_each_kernel(std::int64_t count, F f) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step)
    f(i);
}

/// f(i) for every i below count, on `device`.
template <class F>
void for_each(std::string_view op, Device device, std::int64_t count, const F& f) {
  if (count > 0) launch(op, device, for_each_kernel<F>, blocks_for(count), kThreads, count, f);
}

template <class F>
__global__ void by_channel_kernel(std::int64_t count, std::int64_t channels, std::int64_t step,
                                  F f) {
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (first >= std::min(step, count)) return;
  const auto channel = f.channel(first % channels);
  for (std::int64_t i = first; i < count; i += step) channel(i);
}

/// f.channel(c)(i) for every element i of a matrix [rows, channels] and its channel c, on `device`.
/// Threads step by whole rows, so that each stays with its channel, and what belongs to that is
/// read once.
template <class F>
void for_each_by_channel(std::string_view op, Device device, std::int64_t rows,
                         std::int64_t channels, const F& f) {
  constexpr std::int64_t kPerThread = 8, kMostBlocks = 4096;
  const std::int64_t count = rows * channels;
  if (count == 0) return;
  const std::int64_t full = kPerThread * kThreads, most = kMostBlocks * kThreads;
  const std::int64_t wanted = std::min((count + full - 1) / full * kThreads, most);
  // At least a row, whole rows, and then the blocks that hold as many threads.
  const std::int64_t step = std::max(wanted / channels, std::int64_t{1}) * channels;
  const auto blocks = static_cast<unsigned>((step + kThreads - 1) / kThreads);
  launch(op, device, by_channel_kernel<F>, blocks, kThreads, count, channels, step, f);
}

template <class Out, class In, class F>
struct Map {
  DeviceLoop<2> loop;
  const In* x;
  Out* out;
  F f;

  __device__ void operator()(std::int64_t i) const {
    std::int64_t at[2];
    loop.offsets(i, at);
    out[at[1]] = f(x[at[0]]);
  }
};

template <class T, class F>
struct Map2 {
  DeviceLoop<3> loop;
  const T *a, *b;
  T* out;
  F f;

  __device__ void operator()(std::int64_t i) const {
    std::int64_t at[3];
    loop.offsets(i, at);
    out[at[2]] = f(a[at[0]], b[at[1]]);
  }
};

/// out = f(x) on the device of `out`.
template <class Out, class In, class F>
void map(std::string_view op, const Tensor& x, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  const DeviceLoop<2> loop{StridedLoop<2>(x, out)};
  for_each(op, out.device(), loop.count, Map<Out, In, F>{loop, x.data<In>(), out.data<Out>(), f});
}

/// out = f(a, b) on the device of `out`.
template <class T, class F>
void map2(std::string_view op, const Tensor& a, const Tensor& b, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  const DeviceLoop<3> loop{StridedLoop<3>(a, b, out)};
  for_each(op, out.device(), loop.count,
           Map2<T, F>{loop, a.data<T>(), b.data<T>(), out.data<T>(), f});
}

}  // namespace rho::kernels::cuda
