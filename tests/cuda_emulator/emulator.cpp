#include <algorithm>
#include <array>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/cuda_emulator/cuda_runtime.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace rho::cuda_emulator {
namespace {

constexpr unsigned kWarp = 32, kMaxThreads = 1024;
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
constexpr int kDevices = 2;

/// A stack of its own, and where it stopped.
struct Fiber {
  boost::context::fiber rest;
  boost::context::stack_context stack;
  void* sanitizer_state = nullptr;

  const void* bottom() const { return static_cast<const std::byte*>(stack.sp) - stack.size; }
};

enum class State : std::uint8_t { Ready, AtBlock, AtWarp, Done };

dim3 index_of(unsigned linear, dim3 extent) {
  return {linear % extent.x, linear / extent.x % extent.y, linear / (extent.x * extent.y)};
}

/// Runs the blocks of one host thread. A fiber goes from thread to thread; a new one is needed only
/// where a thread waits, so kernels without barriers never switch.
class Scheduler {
 public:
  Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() {
    is_over_ = true;
    for (const auto& fiber : fibers_) resume(fiber.get());
  }

  void run_block(dim3 block, const std::function<void()>& body) {
    body_ = &body;
    block_ = block;
    count_ = block.x * block.y * block.z;
    started_ = 0;
    state_.assign(count_, State::Ready);
    fiber_of_.assign(count_, nullptr);
    while (started_ < count_) resume(free_fiber());
    while (release())
      for (unsigned t = 0; t < count_; ++t)
        if (state_[t] == State::Ready) {
          enter(t);
          resume(fiber_of_[t]);
        }
  }

  void wait(State where) {
    const unsigned thread = current_;
    state_[thread] = where;
    fiber_of_[thread] = running_;
    switch_to_scheduler();
  }

  std::uint64_t* warp_exchange() { return exchange_[current_ / kWarp].data(); }
  unsigned lane() const { return current_ % kWarp; }

 private:
  void enter(unsigned thread) {
    current_ = thread;
    threadIdx = index_of(thread, block_);
  }

  /// Lets go whom nothing holds any longer; false where all threads are done.
  bool release() {
    bool any_alive = false, all_at_block = true, released = false;
    for (unsigned warp = 0; warp < count_; warp += kWarp) {
      const unsigned end = std::min(warp + kWarp, count_);
      bool all_at_warp = true;
      for (unsigned t = warp; t < end; ++t) {
        if (state_[t] == State::Done) continue;
        any_alive = true;
        all_at_warp = all_at_warp && state_[t] == State::AtWarp;
        all_at_block = all_at_block && state_[t] == State::AtBlock;
      }
      if (!all_at_warp) continue;
      for (unsigned t = warp; t < end; ++t)
        if (state_[t] == State::AtWarp) {
          state_[t] = State::Ready;
          released = true;
        }
    }
    if (!any_alive) return false;
    if (all_at_block) {
      for (State& state : state_)
        if (state == State::AtBlock) state = State::Ready;
    } else if (!released) {
      std::fprintf(stderr, "cuda_emulator: a barrier that some threads of a block never reach\n");
      std::abort();
    }
    return true;
  }

  Fiber* free_fiber() {
    if (!free_.empty()) {
      Fiber* const fiber = free_.back();
      free_.pop_back();
      return fiber;
    }
    Fiber* const fiber = fibers_.emplace_back(std::make_unique<Fiber>()).get();
    boost::context::fixedsize_stack stacks(kStackBytes);
    fiber->stack = stacks.allocate();
    fiber->rest = boost::context::fiber(
        std::allocator_arg,
        boost::context::preallocated(fiber->stack.sp, fiber->stack.size, fiber->stack), stacks,
        [this](boost::context::fiber&& scheduler) {
          scheduler_ = std::move(scheduler);
          live();
          return std::move(scheduler_);
        });
    return fiber;
  }

  void resume(Fiber* fiber) {
    running_ = fiber;
#ifdef __SANITIZE_ADDRESS__
    void* state = nullptr;
    __sanitizer_start_switch_fiber(&state, fiber->bottom(), fiber->stack.size);
#endif
    fiber->rest = std::move(fiber->rest).resume();
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(state, nullptr, nullptr);
#endif
  }

  void switch_to_scheduler() {
#ifdef __SANITIZE_ADDRESS__
    Fiber* const self = running_;
    __sanitizer_start_switch_fiber(&self->sanitizer_state, scheduler_stack_, scheduler_bytes_);
#endif
    scheduler_ = std::move(scheduler_).resume();
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(self->sanitizer_state, &scheduler_stack_, &scheduler_bytes_);
#endif
  }

  void live() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack_, &scheduler_bytes_);
#endif
    while (!is_over_) {
      while (started_ < count_) {
        enter(started_++);
        (*body_)();
        state_[current_] = State::Done;
      }
      free_.push_back(running_);
      switch_to_scheduler();
    }
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(nullptr, scheduler_stack_, scheduler_bytes_);
#endif
  }

  const std::function<void()>* body_ = nullptr;
  dim3 block_;
  unsigned count_ = 0, started_ = 0, current_ = 0;
  std::vector<State> state_;
  std::vector<Fiber*> fiber_of_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_;
  Fiber* running_ = nullptr;
  boost::context::fiber scheduler_;
  bool is_over_ = false;
  std::array<std::array<std::uint64_t, kWarp>, kMaxThreads / kWarp> exchange_{};
#ifdef __SANITIZE_ADDRESS__
  const void* scheduler_stack_ = nullptr;
  std::size_t scheduler_bytes_ = 0;
#endif
};

Scheduler& scheduler() {
  thread_local Scheduler one;
  return one;
}

/// Blocks that cudaMalloc gave out. Only kernels and copies may touch them: for anything else the
/// address sanitizer finds them poisoned.
class DeviceMemory {
 public:
  void add(void* pointer, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    blocks_[pointer] = bytes;
    if (users_ == 0) mark(pointer, bytes, true);
  }
  void remove(void* pointer) {
    const std::scoped_lock lock(mutex_);
    const auto found = blocks_.find(pointer);
    if (found == blocks_.end()) return;
    mark(found->first, found->second, false);
    blocks_.erase(found);
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    if (users_++ == 0) mark_all(false);
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    if (--users_ == 0) mark_all(true);
  }

 private:
  static void mark([[maybe_unused]] const void* pointer, [[maybe_unused]] std::size_t bytes,
                   [[maybe_unused]] bool poisoned) {
#ifdef __SANITIZE_ADDRESS__
    if (poisoned)
      __asan_poison_memory_region(pointer, bytes);
    else
      __asan_unpoison_memory_region(pointer, bytes);
#endif
  }
  void mark_all(bool poisoned) {
    for (const auto& [pointer, bytes] : blocks_) mark(pointer, bytes, poisoned);
  }

  std::mutex mutex_;
  std::map<void*, std::size_t> blocks_;
  int users_ = 0;  // kernels and copies under way
};

DeviceMemory& device_memory() {
  static auto* const one = new DeviceMemory;  // outlives every static tensor
  return *one;
}

struct Opened {
  Opened() { device_memory().open(); }
  ~Opened() { device_memory().close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

cudaError_t allocate(void** pointer, std::size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  *pointer = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  return *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

}  // namespace

cudaError_t run(dim3 grid, dim3 block, const std::function<void()>& body) {
  constexpr unsigned kMaxGrid = 65535;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool fits = threads >= 1 && threads <= kMaxThreads && grid.x >= 1 && grid.x <= INT32_MAX &&
                    grid.y >= 1 && grid.y <= kMaxGrid && grid.z >= 1 && grid.z <= kMaxGrid;
  if (!fits) return cudaErrorInvalidConfiguration;
  const Opened opened;
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        scheduler().run_block(block, body);
      }
  return cudaSuccess;
}

void wait_for_block() { scheduler().wait(State::AtBlock); }
void wait_for_warp() { scheduler().wait(State::AtWarp); }
std::uint64_t* warp_exchange() { return scheduler().warp_exchange(); }
unsigned lane() { return scheduler().lane(); }

}  // namespace rho::cuda_emulator

using namespace rho::cuda_emulator;

cudaError_t cudaGetLastError() { return cudaSuccess; }

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
  }
  return "unknown error";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return device >= 0 && device < kDevices ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  const cudaError_t status = allocate(pointer, bytes);
  if (status == cudaSuccess) device_memory().add(*pointer, bytes);
  return status;
}

cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes) {
  return allocate(pointer, bytes);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  return allocate(pointer, bytes);
}

cudaError_t cudaFree(void* pointer) {
  device_memory().remove(pointer);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  const Opened opened;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
