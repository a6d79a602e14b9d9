// What all threads of a cooperative launch, or of a block, find out together.
#pragma once

#include <cooperative_groups.h>

#include <cstdint>

#include "kernels/cuda/reduction.cuh"

namespace rho::kernels::cuda {

/// Returns when all threads of the launch have come here, and what they wrote can be read.
__device__ inline void wait_for_grid() { cooperative_groups::this_grid().sync(); }

/// Whether `holds` for any thread of the block; all of them call it.
__device__ inline bool any_of_block(bool holds) {
  __shared__ bool any;
  if (threadIdx.x == 0) any = false;
  __syncthreads();
  if (holds) any = true;
  __syncthreads();
  const bool answer = any;
  __syncthreads();  // it may be asked again
  return answer;
}

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

/// The first i < count where flags[i] is not 0, or -1, for every thread of the block.
__device__ inline std::int64_t first_of_block(const int* flags, std::int64_t count) {
  Least own = Least::nothing();
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads)
    if (flags[i] != 0) own.merge({i});
  const std::int64_t first = merged_in_block(own).value;
  return first == INT64_MAX ? -1 : first;
}

}  // namespace rho::kernels::cuda
