// Storage, views, the allocator, devices, random numbers, and copies between layouts and dtypes.
#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <thread>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "tensor/allocator.h"
#include "tensor/host_memory.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::contains;
using testing::message_of;

Tensor indices(const Shape& shape) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(numel(shape)));
  std::iota(values.begin(), values.end(), 0);
  return Tensor::from(values, shape);
}

std::vector<std::int64_t> values(const Tensor& x) { return x.to_vector<std::int64_t>(); }
using Ints = std::vector<std::int64_t>;

TEST(Tensor, ViewsShareStorage) {
  const Tensor x = indices({2, 3, 2});
  EXPECT_EQ(values(x.permute({2, 0, 1})), (Ints{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(values(x.slice(1, 0, 3, 2).select(2, 1)), (Ints{1, 5, 7, 11}));
  EXPECT_EQ(values(x.select(0, 1).expand({2, 3, 2})),
            (Ints{6, 7, 8, 9, 10, 11, 6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(x.unsqueeze(-1).shape() == Shape({2, 3, 2, 1}));
  EXPECT_TRUE(x.unsqueeze(0).squeeze(0).shape() == x.shape());
  const Tensor row = x.select(0, 0);
  EXPECT_TRUE(row.shares_storage(x));
  row.data<std::int64_t>()[0] = 42;
  EXPECT_EQ(x.data<std::int64_t>()[0], 42);
}

TEST(Tensor, ContiguityIgnoresExtentsOfOne) {
  const Tensor x = indices({4, 1, 3});
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_TRUE(x.transpose(0, 1).is_contiguous());
  EXPECT_FALSE(x.transpose(0, 2).is_contiguous());
  EXPECT_TRUE(indices({0, 3}).transpose(0, 1).is_contiguous());
}

TEST(Tensor, Messages) {
  const Tensor x = indices({2, 3});
  EXPECT_TRUE(contains(message_of([&] { x.view({5}); }), "[view]", "6", "[5]"));
  EXPECT_TRUE(contains(message_of([&] { x.transpose(0, 1).view({6}); }), "[view]", "contiguous"));
  EXPECT_TRUE(contains(message_of([&] { x.data<float>(); }), "int64", "float32"));
  EXPECT_TRUE(contains(message_of([&] { x.item(); }), "[item]", "[2, 3]"));
  EXPECT_TRUE(contains(message_of([&] { x.size(2); }), "[size]", "rank 2"));
  EXPECT_TRUE(contains(message_of([] { Tensor().data<float>(); }), "undefined"));
  EXPECT_TRUE(contains(message_of([] { Tensor::empty({-1}, DType::UInt8); }), "negative"));
  EXPECT_TRUE(contains(message_of([] { broadcast_shapes({2, 3}, {4}, "op"); }), "[op]", "[4]"));
  EXPECT_TRUE(contains(message_of([] { Dims::filled(9, 1); }), "8"));
}

TEST(Tensor, CountsThatDoNotFitAreRefused) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 32;
  const Tensor one = Tensor::empty({1, 1}, DType::UInt8);
  const Tensor none = Tensor::empty({0}, DType::UInt8);
  for (const std::function<void()>& body :
       std::vector<std::function<void()>>{[&] {
                                            Tensor::empty({kHuge, kHuge}, DType::UInt8);
                                          },
                                          [&] {
                                            Tensor::empty({kHuge, kHuge, 0}, DType::UInt8);
                                          },
                                          [&] {
                                            Tensor::empty({kHuge, kHuge / 4}, DType::Float64);
                                          },
                                          [&] {
                                            one.expand({kHuge, kHuge});
                                          },
                                          [&] {
                                            none.view({kHuge, kHuge});
                                          }})
    EXPECT_TRUE(contains(message_of(body), "4294967296", "too many"));
  EXPECT_EQ(one.slice(0, 0, 1, std::numeric_limits<std::int64_t>::max()).shape(), (Shape{1, 1}));
}

TEST(Tensor, ADeviceThatIsNotThereIsOneClearError) {
  const Device cuda{DeviceType::CUDA, 99};
  EXPECT_TRUE(contains(message_of([&] { Tensor::empty({1}, DType::Float32, cuda); }), "cuda"));
}

TEST(Allocator, SteadyUseAsksTheDeviceForNothing) {
  CachingAllocator& cpu = allocator(DeviceType::CPU);
  const auto step = [] { return Tensor::empty({1000, 77}, DType::Float64); };
  step();
  const std::size_t calls = cpu.statistics().device_calls;
  for (int i = 0; i < 10; ++i) step();
  EXPECT_EQ(cpu.statistics().device_calls, calls);
}

TEST(Allocator, CountsTrimsAndAligns) {
  CachingAllocator& cpu = allocator(DeviceType::CPU);
  const std::size_t before = cpu.statistics().bytes_in_use;
  cpu.reset_peak();
  {
    const Tensor x = Tensor::empty({1000}, DType::Float32);
    EXPECT_GE(cpu.statistics().bytes_in_use, before + 4000);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.raw()) % 64, 0U);
  }
  EXPECT_EQ(cpu.statistics().bytes_in_use, before);
  EXPECT_GE(cpu.statistics().bytes_peak, before + 4000);
  cpu.trim();
  EXPECT_EQ(cpu.statistics().bytes_cached, 0U);
}

TEST(HostMemory, IsAlignedAndWhole) {
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  for (const std::size_t bytes : {std::size_t{1}, kLargePage - 1, kLargePage, 2 * kLargePage + 3}) {
    void* const memory = allocate_host(bytes);
    ASSERT_NE(memory, nullptr) << bytes;
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    EXPECT_EQ(address % (bytes < kLargePage ? 64 : kLargePage), 0U) << bytes;
    std::memset(memory, 1, bytes);
    release_host(memory, bytes);
  }
}

TEST(HostMemory, IsNullWhereThereIsNoneLeft) {
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  for (const std::size_t bytes : {kAll, kAll / 2}) EXPECT_EQ(allocate_host(bytes), nullptr);
}

// A device with room for `bytes`.
class SmallMemory final : public Memory {
 public:
  explicit SmallMemory(std::size_t bytes) : left_(bytes) {}
  int device_count() const noexcept override { return 1; }
  void* allocate(std::size_t bytes, int) override {
    check(bytes <= left_, "small", "is full");
    left_ -= bytes;
    return std::malloc(bytes);
  }
  void release(void* pointer, std::size_t bytes, int) noexcept override {
    left_ += bytes;
    std::free(pointer);
  }
  void copy(const void* from, void* to, std::size_t bytes, int) override {
    std::memcpy(to, from, bytes);
  }

 private:
  std::size_t left_;
};

TEST(Allocator, ReusesWhatOtherSizesKeepCached) {
  SmallMemory memory(1 << 20);
  CachingAllocator small(memory);
  small.release(small.allocate(700 << 10, 0));
  const Block block = small.allocate(600 << 10, 0);  // fits only without the cached one
  EXPECT_EQ(small.statistics().bytes_cached, 0U);
  EXPECT_TRUE(contains(message_of([&] { small.allocate(600 << 10, 0); }), "[small]"));
  small.release(block);
  small.trim();
}

// A device whose work the test does by hand, and where "threads" are orders that it chooses.
class LateMemory final : public Memory {
 public:
  int device_count() const noexcept override { return 1; }
  void* allocate(std::size_t bytes, int) override {
    return blocks_.emplace_back(std::make_unique<std::byte[]>(bytes)).get();
  }
  void release(void* pointer, std::size_t, int) noexcept override { given_back.insert(pointer); }
  void copy(const void*, void*, std::size_t, int) override {}
  std::uint64_t order(int) const override { return current; }
  std::unique_ptr<Mark> free_after(const Block& block) noexcept override {
    struct Done final : Mark {
      explicit Done(const bool& to_done) : done(to_done) {}
      bool passed() noexcept override { return done; }
      const bool& done;
    };
    return block.order == current ? nullptr : std::make_unique<Done>(done);
  }

  std::uint64_t current = 1;
  bool done = false;  // all work of all orders
  std::set<void*> given_back;

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
};

TEST(Allocator, BlocksStayInTheirOrderOfWork) {
  LateMemory memory;
  CachingAllocator late(memory);
  const Block first = late.allocate(1000, 0);
  late.release(first);
  memory.current = 2;
  const Block second = late.allocate(1000, 0);
  EXPECT_NE(second.pointer, first.pointer);
  memory.current = 1;
  EXPECT_EQ(late.allocate(1000, 0).pointer, first.pointer);
}

TEST(Allocator, ABlockWaitsForTheWorkOfAnotherOrderThatMayUseIt) {
  LateMemory memory;
  CachingAllocator late(memory);
  const Block block = late.allocate(1000, 0);
  memory.current = 2;
  late.release(block);
  EXPECT_EQ(late.statistics().bytes_in_use, 0U);
  memory.current = 1;
  EXPECT_NE(late.allocate(1000, 0).pointer, block.pointer);
  late.trim();
  EXPECT_TRUE(memory.given_back.empty());
  memory.done = true;
  EXPECT_EQ(late.allocate(1000, 0).pointer, block.pointer);
}

TEST(Allocator, ReservedBlocksStayUntilTheEnd) {
  LateMemory memory;
  CachingAllocator late(memory);
  late.reserve(7);
  memory.current = 7;
  const Block block = late.allocate(1000, 0);
  late.release(block);
  late.trim();
  EXPECT_EQ(late.allocate(1000, 0).pointer, block.pointer);
  const Block outlives = late.allocate(5000, 0);
  late.release(block);
  late.end_reserve(7);
  EXPECT_EQ(memory.given_back, (std::set<void*>{block.pointer}));
  late.release(outlives);
  EXPECT_EQ(memory.given_back, (std::set<void*>{block.pointer, outlives.pointer}));
  EXPECT_EQ(late.statistics().bytes_cached, 0U);
}

TEST(Allocator, IsThreadSafe) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&wrong, t] {
      for (std::int64_t i = 0; i < 500; ++i) {
        const Tensor x = kernels::full({1 + i % 17}, t, DType::Int64);
        for (const std::int64_t value : values(x))
          if (value != t) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Copy, ConvertsEveryPairOfDtypesInAnyLayout) {
  for (const DType from : {DType::Float32, DType::Float64, DType::Int64, DType::UInt8})
    for (const DType to : {DType::Float32, DType::Float64, DType::Int64, DType::UInt8}) {
      const Tensor source = kernels::to_dtype(indices({3, 5}), from).transpose(0, 1);
      const Tensor target = kernels::zeros({3, 5}, to).transpose(0, 1);
      kernels::copy(source, target);
      EXPECT_EQ(values(target), values(indices({3, 5}).transpose(0, 1))) << from << " to " << to;
    }
}

TEST(Copy, ContiguousSharesWhereItCan) {
  const Tensor x = indices({2, 3});
  EXPECT_TRUE(kernels::contiguous(x).shares_storage(x));
  EXPECT_FALSE(kernels::contiguous(x.transpose(0, 1)).shares_storage(x));
  EXPECT_FALSE(kernels::clone(x).shares_storage(x));
  EXPECT_TRUE(contains(message_of([&] {
                         kernels::copy(x, indices({3, 2}));
                       }),
                       "[copy]", "[2, 3]", "[3, 2]"));
}

TEST(Fill, StridedAndEmpty) {
  const Tensor x = indices({2, 3});
  kernels::fill(x.slice(1, 0, 3, 2), -1);
  EXPECT_EQ(values(x), (Ints{-1, 1, -1, -1, 4, -1}));
  kernels::fill(Tensor::empty({0}, DType::Float32), 1.0);
}

TEST(Rng, StreamsAreReproducibleAndResumable) {
  Rng a(5, 1), b(5, 1), other(5, 2);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), other.next());
  Rng resumed(5, 1);
  resumed.set_counter(a.counter());
  EXPECT_EQ(a.next(), resumed.next());
}

TEST(Rng, MomentsAndRange) {
  Rng rng(1);
  const int count = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  // Five standard errors of each moment: sqrt(1, 2, 96) / sqrt(count).
  const double error = 5.0 / std::sqrt(count);
  EXPECT_LE(std::abs(sum / count), error);
  EXPECT_LE(std::abs(squares / count - 1.0), error * std::sqrt(2.0));
  EXPECT_LE(std::abs(fourth / count - 3.0), error * std::sqrt(96.0));
  std::vector<int> seen(7, 0);
  for (int i = 0; i < 7000; ++i) ++seen[static_cast<std::size_t>(rng.below(7))];
  for (const int n : seen) EXPECT_LE(std::abs(n - 1000), 5 * 30);
}

}  // namespace
}  // namespace rho
