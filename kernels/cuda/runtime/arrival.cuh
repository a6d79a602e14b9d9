// Blocks of a launch that add up what they found without a second launch: the last one to come to
// the end goes on with what the others left in memory. Which one that is, timing decides; what it
// does must not depend on it.
#pragma once

#include "kernels/cuda/runtime/stream.cuh"

namespace rho::kernels::cuda {

/// Counters on the device for groups of blocks of one launch: 0 when it begins, and again when it
/// is over. There are kArrivals of them; launches of one thread follow one another and share them.
inline unsigned* arrivals(Device device) { return stream_of(device).arrivals; }

/// Whether this is the last of `blocks` blocks that count on `arrived`: then what their threads
/// have written before can be read. All threads of a block call it.
__device__ inline bool is_last(unsigned& arrived, unsigned blocks) {
  __shared__ bool answer;
  __threadfence();  // sequentially consistent, so that one thread's count stands for all of a block
  __syncthreads();
  if (threadIdx.x == 0) {
    answer = atomicAdd(&arrived, 1U) == blocks - 1;
    if (answer) arrived = 0;
  }
  __syncthreads();
  if (answer) __threadfence();
  return answer;
}

}  // namespace rho::kernels::cuda
