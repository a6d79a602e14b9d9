#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/cuda_emulator/cuda.h"
#include "tests/cuda_emulator/cuda_runtime.h"
#include "tests/cuda_emulator/scheduler.h"
#include "tests/cuda_emulator/stream.h"

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

enum class State : std::uint8_t { Ready, AtBlock, AtWarp, AtGrid, AtCondition, Done };

/// Where the blocks of a cooperative grid wait for each other, each a thread of the host.
class Meeting {
 public:
  explicit Meeting(unsigned blocks) : blocks_(blocks) {}

  void wait() {
    std::unique_lock lock(mutex_);
    if (left_ > 0) stop_incomplete();
    const unsigned round = round_;
    if (++waiting_ == blocks_) {
      waiting_ = 0;
      ++round_;
      everybody_.notify_all();
    }
    everybody_.wait(lock, [&] { return round_ != round; });
  }
  void leave() {
    const std::scoped_lock lock(mutex_);
    ++left_;
    if (waiting_ > 0) stop_incomplete();
  }

 private:
  [[noreturn]] static void stop_incomplete() {
    stop("a barrier that some blocks of a grid never reach");
  }

  std::mutex mutex_;
  std::condition_variable everybody_;
  unsigned blocks_, waiting_ = 0, left_ = 0, round_ = 0;
};

thread_local Meeting* grid_meeting = nullptr;  // null: blocks run one after another

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
    conditions_.resize(count_);
    begin_asynchronous();
    while (started_ < count_) resume(free_fiber());
    while (release())
      for (unsigned t = 0; t < count_; ++t)
        if (state_[t] == State::Ready) {
          enter(t);
          resume(fiber_of_[t]);
        }
    end_asynchronous();
  }

  void wait_until(std::function<bool()> holds) {
    conditions_[current_] = std::move(holds);
    wait(State::AtCondition);
  }
  void wait(State where) {
    const unsigned thread = current_;
    state_[thread] = where;
    fiber_of_[thread] = running_;
    switch_to_scheduler();
  }

  Shown& shown_by(unsigned lane) { return exchange_[current_ / kWarp][lane]; }
  unsigned lane() const { return current_ % kWarp; }
  unsigned thread() const { return current_; }

 private:
  void enter(unsigned thread) {
    current_ = thread;
    threadIdx = index_of(thread, block_);
  }

  /// Lets go whom nothing holds any longer; false where all threads are done.
  bool release() {
    bool any_alive = false, all_at_block = true, all_at_grid = true, released = false;
    for (unsigned warp = 0; warp < count_; warp += kWarp) {
      const unsigned end = std::min(warp + kWarp, count_);
      bool all_at_warp = true;
      for (unsigned t = warp; t < end; ++t) {
        if (state_[t] == State::Done) continue;
        any_alive = true;
        if (state_[t] == State::AtCondition && conditions_[t]()) {
          state_[t] = State::Ready;
          released = true;
        }
        all_at_warp = all_at_warp && state_[t] == State::AtWarp;
        all_at_block = all_at_block && state_[t] == State::AtBlock;
        all_at_grid = all_at_grid && state_[t] == State::AtGrid;
      }
      if (!all_at_warp) continue;
      for (unsigned t = warp; t < end; ++t)
        if (state_[t] == State::AtWarp) {
          state_[t] = State::Ready;
          released = true;
        }
    }
    if (!any_alive) return false;
    if (all_at_grid) grid_meeting->wait();
    if (all_at_block || all_at_grid) {
      for (State& state : state_)
        if (state != State::Done) state = State::Ready;
    } else if (!released) {
      stop("a barrier that some threads of a block never reach");
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
  std::vector<std::function<bool()>> conditions_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_;
  Fiber* running_ = nullptr;
  boost::context::fiber scheduler_;
  bool is_over_ = false;
  std::array<std::array<Shown, kWarp>, kMaxThreads / kWarp> exchange_{};
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

/// All blocks at once.
void run_cooperative_grid(unsigned blocks, dim3 block, std::size_t shared_bytes,
                          const std::function<void()>& body) {
  const Opened opened;
  Meeting meeting(blocks);
  std::vector<std::jthread> threads;
  for (unsigned x = 0; x < blocks; ++x)
    threads.emplace_back([&, x] {
      set_dynamic_shared_memory(shared_bytes);
      gridDim = blocks;
      blockDim = block;
      blockIdx = x;
      grid_meeting = &meeting;
      scheduler().run_block(block, body);
      meeting.leave();
    });
}

void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& body) {
  const Opened opened;
  set_dynamic_shared_memory(shared_bytes);
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        scheduler().run_block(block, body);
      }
}

using Work = std::function<void()>;

/// All that there are; none is ever destroyed.
class Streams {
 public:
  CUstream_st* make();
  void finish();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<CUstream_st>> all_;
};

Streams& streams() {
  static auto* const one = new Streams;
  return *one;
}

double value_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

/// product(a, b) is the sum of the products of two words' elements. Words and sums lie in the lanes
/// as PTX has them: a row of left, and a column of right, in four lanes, a word each of the first
/// four and of the last.
template <class Product>
void multiply_add(float (&sums)[4], const std::uint32_t (&left)[4], const std::uint32_t (&right)[2],
                  const Product& product) {
  scheduler().shown_by(lane()) = {left[0], left[1], left[2], left[3], right[0], right[1]};
  wait_for_warp();
  for (unsigned s = 0; s < 4; ++s) {
    const unsigned row = lane() / 4, column = lane() % 4 * 2 + s % 2;
    double sum = sums[s];
    for (unsigned word = 0; word < 8; ++word)
      sum += product(scheduler().shown_by(row * 4 + word % 4)[word / 4 * 2 + s / 2],
                     scheduler().shown_by(column * 4 + word % 4)[4 + word / 4]);
    sums[s] = static_cast<float>(sum);
  }
  wait_for_warp();
}

std::array<int, 2> compute_capability{9, 0};
int version_of_ptx = 90;
/// Few: a grid that is as large as the device has several tiles a block.
constexpr int kMultiprocessors = 2;

/// How much dynamic shared memory a kernel may ask for.
class MostSharedMemory {
 public:
  void set(const void* kernel, int bytes) {
    const std::scoped_lock lock(mutex_);
    bytes_[kernel] = bytes;
  }
  int of(const void* kernel) {
    constexpr int kDefault = 48 << 10;
    const std::scoped_lock lock(mutex_);
    const auto found = bytes_.find(kernel);
    return found != bytes_.end() ? found->second : kDefault;
  }

 private:
  std::mutex mutex_;
  std::map<const void*, int> bytes_;
};

MostSharedMemory& most_shared_memory() {
  static MostSharedMemory one;
  return one;
}

}  // namespace
}  // namespace rho::cuda_emulator

/// Keeps its work until somebody waits, as late as a device may be: what was reused too early, or
/// never waited for, shows.
struct CUstream_st {
  /// `is_captured` work waits for a graph, other work for its turn.
  void take(rho::cuda_emulator::Work work) {
    const std::scoped_lock lock(mutex_);
    (is_captured_ ? captured_ : waiting_).push_back(std::move(work));
  }
  /// Does the oldest work; false where there is none.
  bool advance() {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return false;
    const rho::cuda_emulator::Work work = std::move(waiting_.front());
    waiting_.pop_front();
    work();
    return true;
  }
  void finish() {
    while (advance()) {
    }
  }

  /// For what must not happen during a capture.
  cudaError_t refuse_captured() {
    const std::scoped_lock lock(mutex_);
    if (!is_captured_) return cudaSuccess;
    is_broken_ = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  void begin_capture() {
    const std::scoped_lock lock(mutex_);
    is_captured_ = true;
  }
  /// Nothing, where something happened that must not.
  std::optional<std::deque<rho::cuda_emulator::Work>> end_capture() {
    const std::scoped_lock lock(mutex_);
    is_captured_ = false;
    std::deque<rho::cuda_emulator::Work> work = std::exchange(captured_, {});
    if (std::exchange(is_broken_, false)) return std::nullopt;
    return work;
  }

 private:
  std::mutex mutex_;
  bool is_captured_ = false, is_broken_ = false;
  std::deque<rho::cuda_emulator::Work> waiting_;
  std::deque<rho::cuda_emulator::Work> captured_;
};
struct CUevent_st {
  CUstream_st* stream = nullptr;
  std::shared_ptr<std::atomic<bool>> passed;
};
struct CUgraph_st {
  std::deque<rho::cuda_emulator::Work> work;
};
struct CUgraphExec_st {
  std::deque<rho::cuda_emulator::Work> work;
};

namespace rho::cuda_emulator {
namespace {

CUstream_st* Streams::make() {
  const std::scoped_lock lock(mutex_);
  return all_.emplace_back(std::make_unique<CUstream_st>()).get();
}

void Streams::finish() {
  const std::scoped_lock lock(mutex_);
  for (const auto& stream : all_) stream->finish();
}

}  // namespace

void stop(const char* what) {
  std::fprintf(stderr, "cuda_emulator: %s\n", what);
  std::abort();
}

cudaError_t set_most_shared_memory(const void* kernel, int bytes) {
  constexpr int kMost = 227 << 10;
  if (bytes > kMost) return cudaErrorInvalidValue;
  most_shared_memory().set(kernel, bytes);
  return cudaSuccess;
}

cudaError_t run(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  constexpr unsigned kMaxGrid = 65535;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool fits = threads >= 1 && threads <= kMaxThreads && grid.x >= 1 && grid.x <= INT32_MAX &&
                    grid.y >= 1 && grid.y <= kMaxGrid && grid.z >= 1 && grid.z <= kMaxGrid;
  if (!fits) return cudaErrorInvalidConfiguration;
  const std::size_t shared_bytes = config.dynamicSmemBytes;
  if (shared_bytes > static_cast<std::size_t>(most_shared_memory().of(kernel)))
    return cudaErrorInvalidValue;
  if (config.numAttrs > 0 && config.attrs->val.cooperative == 1) {
    if (grid.x > kMultiprocessors * kBlocksPerMultiprocessor || grid.y * grid.z > 1)
      return cudaErrorCooperativeLaunchTooLarge;
    config.stream->take([grid, block, shared_bytes, body = std::move(body)] {
      run_cooperative_grid(grid.x, block, shared_bytes, body);
    });
    return cudaSuccess;
  }
  config.stream->take([grid, block, shared_bytes, body = std::move(body)] {
    run_grid(grid, block, shared_bytes, body);
  });
  return cudaSuccess;
}

void enqueue(cudaStream_t stream, std::function<void()> work) {
  stream->take([work = std::move(work)] {
    const Opened opened;
    work();
  });
}

void wait_for_block() { scheduler().wait(State::AtBlock); }
void wait_for_warp() { scheduler().wait(State::AtWarp); }
void wait_for_grid() {
  if (grid_meeting == nullptr)
    stop("a barrier of a grid that was not launched as a cooperative one");
  scheduler().wait(State::AtGrid);
}
void wait_until(std::function<bool()> holds) { scheduler().wait_until(std::move(holds)); }
unsigned thread_number() { return scheduler().thread(); }
Shown& shown_by(unsigned lane) { return scheduler().shown_by(lane); }
unsigned lane() { return scheduler().lane(); }

void load_matrices(const std::uint32_t* line, std::uint32_t (&words)[4]) {
  std::memcpy(&shown_by(lane()), &line, sizeof(line));
  wait_for_warp();
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    std::memcpy(&line, &shown_by(8 * matrix + lane() / 4), sizeof(line));
    words[matrix] = line[lane() % 4];
  }
  wait_for_warp();
}

void mma_m16n8k8_tf32(float (&sums)[4], const std::uint32_t (&left)[4],
                      const std::uint32_t (&right)[2]) {
  multiply_add(sums, left, right, [](std::uint32_t a, std::uint32_t b) {
    const auto value = [](std::uint32_t word) { return value_of(word & 0xffffe000U); };
    return value(a) * value(b);
  });
}

void mma_m16n8k16_bf16(float (&sums)[4], const std::uint32_t (&left)[4],
                       const std::uint32_t (&right)[2]) {
  multiply_add(sums, left, right, [](std::uint32_t a, std::uint32_t b) {
    const auto first = [](std::uint32_t word) { return value_of(word << 16U); };
    const auto second = [](std::uint32_t word) { return value_of(word & 0xffff0000U); };
    return first(a) * first(b) + second(a) * second(b);
  });
}

void set_compute_capability(int major, int minor) { compute_capability = {major, minor}; }
void set_ptx_version(int version) { version_of_ptx = version; }
int ptx_version() { return version_of_ptx; }

}  // namespace rho::cuda_emulator

using namespace rho::cuda_emulator;

cudaError_t cudaGetLastError() { return cudaSuccess; }

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorCooperativeLaunchTooLarge:
      return "too many blocks in cooperative launch";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
  }
  return "unknown error";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount
               ? kMultiprocessors
               : compute_capability[attribute == cudaDevAttrComputeCapabilityMajor ? 0 : 1];
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
  streams().finish();
  device_memory().remove(pointer);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  streams().finish();
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t stream) {
  enqueue(stream, [=] { std::memset(at, byte, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = streams().make();
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const cudaError_t status = stream->refuse_captured();
  if (status == cudaSuccess) stream->finish();
  return status;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const cudaError_t status = stream->refuse_captured();
  if (status == cudaSuccess) stream->begin_capture();
  return status;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  std::optional<std::deque<Work>> work = stream->end_capture();
  *graph = work ? new CUgraph_st{std::move(*work)} : nullptr;
  return work ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t status = stream->refuse_captured(); status != cudaSuccess) return status;
  event->stream = stream;
  event->passed = std::make_shared<std::atomic<bool>>(false);
  stream->take([passed = event->passed] { *passed = true; });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (event->passed == nullptr || *event->passed) return cudaSuccess;
  event->stream->advance();
  return cudaErrorNotReady;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work& work : executable->work) stream->take(work);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  const bool is_known = std::string_view(symbol) == "cuTensorMapEncodeTiled";
  *function = is_known ? reinterpret_cast<void*>(&cuTensorMapEncodeTiled) : nullptr;
  *result = is_known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}
