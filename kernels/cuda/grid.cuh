// What all threads of a cooperative launch, or of a block, find out together.
#pragma once

#include <cooperative_groups.h>

#include <cstdint>

#include "kernels/cuda/reduction.cuh"

namespace rho::kernels::cuda {

/// Returns when all threads of the launch have come here, and what they wrote can be read.
__device__ inline void wait_for_grid() { cooperative_groups::this_grid().sync(); }

/// The least of some numbers.
struct Least {
  std::int64_t value;

  __device__ static Least nothing() { return {INT64_MAX}; }
  __device__ void merge(const Least& other) { value = other.value < value ? other.value : value; }
};

/// What all threads of a block of kThreads have found, merged.
template <class State>
__device__ State merged_in_block(const State& own) {
  __shared__ State states[kThreads];
  meet(states, own, threadIdx.x, kThreads, 1);
  __syncthreads();
  const State all = states[0];
  __syncthreads();  // it may be asked again
  return all;
}

__device__ inline double from_lane(double value, unsigned mask) {
  return __shfl_xor_sync(0xffffffffU, value, mask);
}
__device__ inline long long from_lane(long long value, unsigned mask) {
  return __shfl_xor_sync(0xffffffffU, value, mask);
}
template <int K>
__device__ Sums<K> from_lane(const Sums<K>& value, unsigned mask) {
  Sums<K> out;
#pragma unroll
  for (int k = 0; k < K; ++k) out.value[k] = from_lane(value.value[k], mask);
  return out;
}
__device__ inline Largest<double> from_lane(const Largest<double>& value, unsigned mask) {
  return {from_lane(value.value, mask), from_lane(static_cast<long long>(value.index), mask)};
}

/// states[i], first <= i < end, merged, for every lane of the warp.
template <class State>
__device__ State merged_in_warp(const State* states, std::int64_t first, std::int64_t end) {
  State own = State::nothing();
  for (std::int64_t i = first + threadIdx.x % 32; i < end; i += 32) own.merge(states[i]);
  // The lower lane's first, in both lanes: all come to the same bits.
  for (unsigned mask = 1; mask < 32; mask *= 2) {
    const State other = from_lane(own, mask);
    State both = (threadIdx.x & mask) == 0 ? own : other;
    both.merge((threadIdx.x & mask) == 0 ? other : own);
    own = both;
  }
  return own;
}

/// use(i, read(i)) for i = first, first + step, ... below end, with the reads of four under way at
/// once: what `use` stores may be what they read, for all that the compiler knows.
template <class Read, class Use>
__device__ void read_ahead(std::int64_t first, std::int64_t end, std::int64_t step,
                           const Read& read, const Use& use) {
  constexpr int kAhead = 4;
  std::int64_t i = first;
  for (; i + (kAhead - 1) * step < end; i += kAhead * step) {
    decltype(read(i)) found[kAhead];
#pragma unroll
    for (int n = 0; n < kAhead; ++n) found[n] = read(i + n * step);
#pragma unroll
    for (int n = 0; n < kAhead; ++n) use(i + n * step, found[n]);
  }
  for (; i < end; i += step) use(i, read(i));
}

/// The first i < count where flags[i] is not 0, or -1, for every thread of the block.
__device__ inline std::int64_t first_of_block(const int* flags, std::int64_t count) {
  Least own = Least::nothing();
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads)
    if (flags[i] != 0) own.merge({i});
  const std::int64_t first = merged_in_block(own).value;
  return first == INT64_MAX ? -1 : first;
}

}  // namespace rho::kernels::cuda
