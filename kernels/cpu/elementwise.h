// Loops over several tensors of one shape and any strides, threaded by chunks of elements.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/cpu/parallel.h"
#include "kernels/strided_loop.h"

namespace rho::kernels::cpu {

/// Elements of one chunk; a loop over fewer stays on one thread.
inline constexpr std::int64_t kGrain = 16384;

template <std::size_t N>
struct Loop : StridedLoop<N> {
  using StridedLoop<N>::StridedLoop;
  using StridedLoop<N>::shape;
  using StridedLoop<N>::strides;

  /// Calls body(offsets, inner_strides, count) on runs along the last dimension that cover every
  /// element once; calls may come from several threads.
  template <class Body>
  void run(const Body& body) const {
    const std::int64_t total = numel(shape);
    const int inner = shape.size() - 1;
    std::array<std::int64_t, N> step;
    for (std::size_t t = 0; t < N; ++t) step[t] = strides[t][inner];
    parallel_ranges(total, kGrain, [&](std::int64_t at, std::int64_t end) {
      Dims index = Dims::filled(shape.size(), 0);
      for (std::int64_t rest = at, d = inner; d >= 0; --d) {
        index[static_cast<int>(d)] = rest % shape[static_cast<int>(d)];
        rest /= shape[static_cast<int>(d)];
      }
      while (at < end) {
        std::array<std::int64_t, N> offsets{};
        for (std::size_t t = 0; t < N; ++t)
          for (int d = 0; d <= inner; ++d) offsets[t] += index[d] * strides[t][d];
        const std::int64_t count = std::min(shape[inner] - index[inner], end - at);
        body(offsets, step, count);
        at += count;
        index[inner] += count;
        for (int d = inner; d > 0 && index[d] == shape[d]; --d) {
          index[d] = 0;
          ++index[d - 1];
        }
      }
    });
  }
};

/// out = f(x) elementwise.
template <class Out, class In, class F>
void map(const Tensor& x, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  const In* const source = x.data<In>();
  Out* const target = out.data<Out>();
  Loop<2>(x, out).run([&](const auto& offsets, const auto& step, std::int64_t count) {
    const In* in = source + offsets[0];
    Out* to = target + offsets[1];
    if (step[0] == 1 && step[1] == 1)
      for (std::int64_t i = 0; i < count; ++i) to[i] = f(in[i]);
    else
      for (std::int64_t i = 0; i < count; ++i) to[i * step[1]] = f(in[i * step[0]]);
  });
}

/// out = f(a, b) elementwise.
template <class T, class F>
void map2(const Tensor& a, const Tensor& b, const Tensor& out, const F& f) {
  if (out.numel() == 0) return;
  const T* const left = a.data<T>();
  const T* const right = b.data<T>();
  T* const target = out.data<T>();
  Loop<3>(a, b, out).run([&](const auto& offsets, const auto& step, std::int64_t count) {
    const T* x = left + offsets[0];
    const T* y = right + offsets[1];
    T* to = target + offsets[2];
    if (step[0] == 1 && step[1] == 1 && step[2] == 1)
      for (std::int64_t i = 0; i < count; ++i) to[i] = f(x[i], y[i]);
    else if (step[0] == 1 && step[1] == 0 && step[2] == 1)
      for (std::int64_t i = 0; i < count; ++i) to[i] = f(x[i], *y);
    else
      for (std::int64_t i = 0; i < count; ++i) to[i * step[2]] = f(x[i * step[0]], y[i * step[1]]);
  });
}

}  // namespace rho::kernels::cpu
