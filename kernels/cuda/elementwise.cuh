// A function object for every element: of a range, of a matrix by its channels, and of tensors of
// one shape and any strides.
#pragma once

#include <algorithm>

#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/vector.cuh"
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

/// The arrays of map_by_channel.
template <class T>
struct ChannelArrays {
  const T *a, *b;  ///< b may be null, and is then 0
  T* out;
};

template <int kWidth, class T, class F>
__global__ void map_by_channel_kernel(std::int64_t count, std::int64_t channels, std::int64_t step,
                                      ChannelArrays<T> arrays, F f) {
  constexpr int kAtOnce = 2;  // reads under way before the first result is written
  const std::int64_t first = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * kWidth;
  if (first >= std::min(step, count)) return;
  using Of = decltype(f.channel(0));
  Of of[kWidth];
  for (int e = 0; e < kWidth; ++e) of[e] = f.channel(first % channels + e);
  for (std::int64_t begin = first; begin < count; begin += kAtOnce * step) {
    Vector<T, kWidth> a[kAtOnce] = {}, b[kAtOnce] = {};
    for (int n = 0; n < kAtOnce; ++n)
      if (const std::int64_t i = begin + n * step; i < count) {
        a[n] = read<kWidth>(arrays.a + i);
        if (arrays.b != nullptr) b[n] = read<kWidth>(arrays.b + i);
      }
    for (int n = 0; n < kAtOnce; ++n)
      if (const std::int64_t i = begin + n * step; i < count) {
        Vector<T, kWidth> out;
        for (int e = 0; e < kWidth; ++e) out.value[e] = of[e](a[n].value[e], b[n].value[e]);
        write<kWidth>(arrays.out + i, out);
      }
  }
}

/// out = f.channel(c)(a, b) for every element of matrices [rows, channels] and its channel c, on
/// `device`; out may be a or b. Threads step by whole rows, so that each stays with its channels,
/// and what belongs to those is read once.
template <class T, class F>
void map_by_channel(std::string_view op, Device device, std::int64_t rows, std::int64_t channels,
                    const ChannelArrays<T>& arrays, const F& f) {
  const std::int64_t count = rows * channels;
  if (count == 0) return;
  const auto start = [&]<int kWidth>() {
    constexpr std::int64_t kPerThread = 4 * kWidth, kMostBlocks = 4096;
    const std::int64_t full = kPerThread * kThreads, most = kMostBlocks * kThreads;
    const std::int64_t wanted = std::min((count + full - 1) / full * kThreads, most) * kWidth;
    // At least a row, whole rows, and then the blocks that hold as many threads.
    const std::int64_t step = std::max(wanted / channels, std::int64_t{1}) * channels;
    const std::int64_t threads = step / kWidth;
    launch(op, device, map_by_channel_kernel<kWidth, T, F>,
           static_cast<unsigned>((threads + kThreads - 1) / kThreads), kThreads, count, channels,
           step, arrays, f);
  };
  if (in_vectors(arrays.a, channels) && in_vectors(arrays.b) && in_vectors(arrays.out))
    start.template operator()<kWidest<T>>();
  else
    start.template operator()<1>();
}

/// As many elements of both types as 16 bytes have of the larger one.
template <class A, class B>
inline constexpr int kWidestOfBoth = kWidest<A> < kWidest<B> ? kWidest<A> : kWidest<B>;

/// The i-th kWidth neighbours of dense arrays; the last may be fewer.
template <int kWidth, class Out, class In, class F>
struct DenseMap {
  std::int64_t count;
  const In* x;
  Out* out;
  F f;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t first = i * kWidth;
    if (first + kWidth > count) {
      for (std::int64_t e = first; e < count; ++e) out[e] = f(x[e]);
      return;
    }
    const auto in = read<kWidth>(x + first);
    Vector<Out, kWidth> results;
    for (int e = 0; e < kWidth; ++e) results.value[e] = f(in.value[e]);
    write<kWidth>(out + first, results);
  }
};

template <int kWidth, class T, class F>
struct DenseMap2 {
  std::int64_t count;
  const T *a, *b;
  T* out;
  F f;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t first = i * kWidth;
    if (first + kWidth > count) {
      for (std::int64_t e = first; e < count; ++e) out[e] = f(a[e], b[e]);
      return;
    }
    const auto left = read<kWidth>(a + first), right = read<kWidth>(b + first);
    Vector<T, kWidth> results;
    for (int e = 0; e < kWidth; ++e) results.value[e] = f(left.value[e], right.value[e]);
    write<kWidth>(out + first, results);
  }
};

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

/// Whether every tensor is one run of elements.
template <int N>
bool is_dense(const DeviceLoop<N>& loop) {
  bool dense = loop.rank == 1;
  for (int t = 0; t < N; ++t) dense = dense && loop.strides[t][0] == 1;
  return dense;
}

/// out = f(x) on the device of `out`.
template <class Out, class In, class F>
void map(std::string_view op, const Tensor& x, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  constexpr int kWidth = kWidestOfBoth<Out, In>;
  const DeviceLoop<2> loop{StridedLoop<2>(x, out)};
  const In* const from = x.data<In>();
  Out* const to = out.data<Out>();
  if (is_dense(loop) && in_vectors(from) && in_vectors(to))
    for_each(op, out.device(), (loop.count + kWidth - 1) / kWidth,
             DenseMap<kWidth, Out, In, F>{loop.count, from, to, f});
  else
    for_each(op, out.device(), loop.count, Map<Out, In, F>{loop, from, to, f});
}

/// out = f(a, b) on the device of `out`.
template <class T, class F>
void map2(std::string_view op, const Tensor& a, const Tensor& b, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  constexpr int kWidth = kWidest<T>;
  const DeviceLoop<3> loop{StridedLoop<3>(a, b, out)};
  const T *const left = a.data<T>(), *const right = b.data<T>();
  T* const to = out.data<T>();
  if (is_dense(loop) && in_vectors(left) && in_vectors(right) && in_vectors(to))
    for_each(op, out.device(), (loop.count + kWidth - 1) / kWidth,
             DenseMap2<kWidth, T, F>{loop.count, left, right, to, f});
  else
    for_each(op, out.device(), loop.count, Map2<T, F>{loop, left, right, to, f});
}

}  // namespace rho::kernels::cuda
