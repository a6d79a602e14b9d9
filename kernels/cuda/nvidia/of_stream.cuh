// What a library keeps for a stream.
#pragma once

#include <map>
#include <mutex>

#include "kernels/cuda/runtime/stream.cuh"

namespace rho::kernels::nvidia {

/// The T of this thread's stream on `device`, T(stream) when it is first asked for. It lives as
/// long as the stream, which is for ever, and goes with it from thread to thread: what the stream
/// has still to do may use its memory.
template <class T>
T& of_stream(Device device) {
  static std::mutex mutex;
  static auto* const all = new std::map<const cuda::Stream*, T>;
  const cuda::Stream& stream = cuda::stream_of(device);
  const std::scoped_lock lock(mutex);
  return all->try_emplace(&stream, stream).first->second;
}

}  // namespace rho::kernels::nvidia
