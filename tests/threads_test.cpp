// Parallel loops: each index once, on the wanted number of threads, from any number of callers.
#include "kernels/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <set>
#include <thread>

#include "kernels/cpu/parallel.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::cpu::parallel_for;
using kernels::cpu::parallel_ranges;

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { kernels::set_threads(before_); }

 private:
  int before_ = kernels::threads();
};

TEST_F(Threads, EveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    kernels::set_threads(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      parallel_for(count, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
      for (const auto& n : calls) ASSERT_EQ(n, 1);
    }
  }
}

TEST_F(Threads, RangesCoverAllWhateverTheirGrain) {
  kernels::set_threads(3);
  for (const std::int64_t grain : {0, 1, 3, 10, 100}) {
    std::vector<std::atomic<int>> calls(10);
    parallel_ranges(10, grain, [&](std::int64_t i, std::int64_t end) {
      for (; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
    });
    for (const auto& n : calls) ASSERT_EQ(n, 1);
  }
}

// A loop whose indices wait for each other ends only where each has a thread of its own.
TEST_F(Threads, RunAtTheSameTimeAndNoMoreThanAsked) {
  kernels::set_threads(3);
  std::atomic<int> arrived{0};
  parallel_for(3, [&](std::int64_t) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);

  kernels::set_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  for (int repeat = 0; repeat < 50; ++repeat) {
    seen.clear();
    parallel_for(100, [&](std::int64_t) {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    ASSERT_LE(seen.size(), 2U);
  }
}

TEST_F(Threads, OneMeansTheCallersOwn) {
  kernels::set_threads(1);
  parallel_for(100, [caller = std::this_thread::get_id()](std::int64_t) {
    ASSERT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST_F(Threads, AreSetForTheCallingThreadAlone) {
  kernels::set_threads(3);
  int elsewhere = 0;
  std::thread([&] {
    kernels::set_threads(1);
    elsewhere = kernels::threads();
  }).join();
  EXPECT_EQ(elsewhere, 1);
  EXPECT_EQ(kernels::threads(), 3);
}

TEST_F(Threads, LoopsInsideLoopsAndFromSeveralCallers) {
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      kernels::set_threads(3);
      for (int repeat = 0; repeat < 200; ++repeat)
        parallel_for(5, [&](std::int64_t i) {
          parallel_for(4, [&](std::int64_t j) { sum += 10 * i + j; });
        });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 200 * (4 * 10 * (0 + 1 + 2 + 3 + 4) + 5 * (0 + 1 + 2 + 3)));
}

TEST_F(Threads, ThrowWhatABodyThrew) {
  for (const int threads : {1, 3}) {
    kernels::set_threads(threads);
    const auto loop = [] {
      parallel_for(100, [](std::int64_t i) { check(i != 42, "loop", "index ", i); });
    };
    EXPECT_THROW(loop(), Error);
    std::atomic<int> calls{0};
    parallel_for(10, [&](std::int64_t) { ++calls; });
    EXPECT_EQ(calls, 10);
  }
  EXPECT_THROW(kernels::set_threads(0), Error);
}

}  // namespace
}  // namespace rho
