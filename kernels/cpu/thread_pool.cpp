// The threads behind parallel loops. OpenMP's would do, but for two of its habits: its idle threads
// spin for milliseconds, which stalls every other process on the machine, and each thread that
// calls a kernel gets a team of its own.
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/cpu/parallel.h"
#include "kernels/threads.h"
#include "tensor/error.h"

namespace rho::kernels {
namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// About as long as waking a thread takes: the next loop of a step mostly comes sooner.
constexpr int kSpins = 1000;
// For threads that are at work, and soon done: who falls asleep over it delays the next loop, too.
constexpr int kSpinsAtEnd = 10 * kSpins;

/// Returns once `value` is no longer `old`: at first by looking, then asleep.
void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

thread_local int wanted_threads = 0;  // 0: not set
thread_local bool inside_loop = false;

/// One loop at a time. A worker joins while the loop is open, takes indices until none is left, and
/// leaves. The caller takes indices too, then closes the loop and waits for those that joined:
/// a worker that is still waking up is not waited for.
class ThreadPool {
 public:
  void run(std::int64_t count, const cpu::LoopBody& body, int threads) {
    // Taken by another caller: its loop has the cores, so this one stays on its own thread.
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) {
      for (std::int64_t i = 0; i < count; ++i) body.call(body.body, i);
      return;
    }
    grow(threads - 1);
    body_ = body;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    seats_.store(threads - 1, std::memory_order_relaxed);
    error_ = nullptr;
    members_.store(kOpen, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    take_indices();
    std::uint32_t members = members_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    while (members != 0) {
      wait_while(members_, members, kSpinsAtEnd);
      members = members_.load(std::memory_order_acquire);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  static constexpr std::uint32_t kOpen = 1U << 31;

  void grow(int workers) {
    try {
      while (static_cast<int>(workers_.size()) < workers)
        workers_.emplace_back([this, seen = generation_.load()] { work(seen); });
    } catch (const std::system_error&) {
      // The system has no more threads: the loop runs on those there are.
    }
  }

  [[noreturn]] void work(std::uint32_t seen) {
    inside_loop = true;
    for (;;) {
      wait_while(generation_, seen, kSpins);
      seen = generation_.load(std::memory_order_acquire);
      if (!join()) continue;
      if (seats_.fetch_sub(1, std::memory_order_relaxed) > 0) take_indices();
      if (members_.fetch_sub(1, std::memory_order_acq_rel) == 1) members_.notify_one();
    }
  }

  /// Becomes a member of the loop, if it is still open.
  bool join() {
    std::uint32_t members = members_.load(std::memory_order_relaxed);
    while ((members & kOpen) != 0)
      if (members_.compare_exchange_weak(members, members + 1, std::memory_order_acquire))
        return true;
    return false;
  }

  void take_indices() {
    const bool before = std::exchange(inside_loop, true);
    for (;;) {
      const std::int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= count_) break;
      try {
        body_.call(body_.body, index);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    inside_loop = before;
  }

  std::mutex mutex_;  // held while a loop runs
  std::vector<std::thread> workers_;
  std::atomic<std::uint32_t> generation_{0};  // counts loops
  std::atomic<std::uint32_t> members_{0};     // workers in the loop, and kOpen
  std::atomic<int> seats_{0};                 // workers that the loop still has use for
  std::atomic<std::int64_t> next_{0};
  std::int64_t count_ = 0;
  cpu::LoopBody body_{};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

/// OMP_NUM_THREADS where it is set, as clusters do for their jobs.
int initial_threads() {
  const char* const set = std::getenv("OMP_NUM_THREADS");
  const int count = set != nullptr ? std::atoi(set) : 0;
  return count > 0 ? count : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

// Never destroyed: its threads end with the process.
ThreadPool& pool() {
  static auto* const instance = new ThreadPool;
  return *instance;
}

}  // namespace

int threads() {
  static const int initial = initial_threads();
  return wanted_threads > 0 ? wanted_threads : initial;
}

void set_threads(int count) {
  check(count >= 1, "set_threads", "expects at least 1, found ", count);
  wanted_threads = count;
}

void cpu::run_on_threads(std::int64_t count, const LoopBody& body) {
  const std::int64_t useful = std::min<std::int64_t>(count, threads());
  if (useful > 1 && !inside_loop) return pool().run(count, body, static_cast<int>(useful));
  for (std::int64_t i = 0; i < count; ++i) body.call(body.body, i);
}

}  // namespace rho::kernels
