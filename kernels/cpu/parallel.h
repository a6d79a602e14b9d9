// Loops whose iterations run on several threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

namespace rho::kernels::cpu {

/// A loop body behind a pointer, so that the pool need not know its type.
struct LoopBody {
  void (*call)(const void* body, std::int64_t index);
  const void* body;
};

/// parallel_for's untyped half.
void run_on_threads(std::int64_t count, const LoopBody& body);

/// Calls body(i) once for every 0 <= i < count, on up to threads() threads and in no fixed order.
/// The first exception of a body is thrown again once all have returned. Inside another parallel
/// loop, and while another thread's loop has the workers, it is an ordinary loop.
template <class Body>
void parallel_for(std::int64_t count, const Body& body) {
  run_on_threads(count, {[](const void* erased, std::int64_t index) {
                           (*static_cast<const Body*>(erased))(index);
                         },
                         std::addressof(body)});
}

/// Calls body(first, last) on ranges of about `grain` indices that cover [0, count). Where the
/// cuts lie depends on the arguments alone.
template <class Body>
void parallel_ranges(std::int64_t count, std::int64_t grain, const Body& body) {
  const std::int64_t step = std::max<std::int64_t>(grain, 1);
  parallel_for((count + step - 1) / step, [&](std::int64_t range) {
    body(range * step, std::min((range + 1) * step, count));
  });
}

}  // namespace rho::kernels::cpu
