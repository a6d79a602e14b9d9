// Elementwise kernels over tensors of one shape and any strides; one thread an element.
#pragma once

#include "kernels/cuda/runtime/check.cuh"
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

  __device__ void offsets(std::int64_t element, std::int64_t (&out)[N]) const {
    for (int t = 0; t < N; ++t) out[t] = 0;
    for (int d = rank - 1; d >= 0; --d) {
      const std::int64_t index = element % shape[d];
      element /= shape[d];
      for (int t = 0; t < N; ++t) out[t] += index * strides[t][d];
    }
  }
};

inline constexpr int kThreads = 256;

inline unsigned blocks_for(std::int64_t count) {
  // A grid-stride loop covers what more blocks would.
  const std::int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < 65535 ? blocks : 65535);
}

template <class Out, class In, class F>
__global__ void map_kernel(DeviceLoop<2> loop, const In* x, Out* out, F f) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < loop.count;
       i += step) {
    std::int64_t at[2];
    loop.offsets(i, at);
    out[at[1]] = f(x[at[0]]);
  }
}

template <class T, class F>
__global__ void map2_kernel(DeviceLoop<3> loop, const T* a, const T* b, T* out, F f) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < loop.count;
       i += step) {
    std::int64_t at[3];
    loop.offsets(i, at);
    out[at[2]] = f(a[at[0]], b[at[1]]);
  }
}

/// out = f(x) on the device of `out`.
template <class Out, class In, class F>
void map(std::string_view op, const Tensor& x, const Tensor& out, F f) {
  if (out.numel() == 0) return;
  check_status(cudaSetDevice(out.device().index), op);
  const DeviceLoop<2> loop(StridedLoop<2>(x, out));
  map_kernel<<<blocks_for(loop.count), kThreads>>>(loop, x.data<In>(), out.data<Out>(), f);
  check_launch(op);
}

/// out = f(a, b) on the device of `out`.
template <class T, class F>
void map2(std::string_view op, const Tensor& a, const Tensor& b, const Tensor& out, F f) {
  if (out.numel() == 0) return;
  check_status(cudaSetDevice(out.device().index), op);
  const DeviceLoop<3> loop(StridedLoop<3>(a, b, out));
  map2_kernel<<<blocks_for(loop.count), kThreads>>>(loop, a.data<T>(), b.data<T>(), out.data<T>(),
                                                    f);
  check_launch(op);
}

}  // namespace rho::kernels::cuda
