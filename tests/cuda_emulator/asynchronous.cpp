#include "tests/cuda_emulator/asynchronous.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "tests/cuda_emulator/cuda.h"
#include "tests/cuda_emulator/cuda_runtime.h"
#include "tests/cuda_emulator/scheduler.h"

namespace rho::cuda_emulator {
namespace {

/// Shared memory begins there: the first KiB is the device's own.
constexpr std::uint32_t kFirstAddress = 1024;
/// What the 128-byte swizzle permutes, and bytes of a row.
constexpr std::uint32_t kChunk = 16, kRow = 128;
constexpr unsigned kWarpgroup = 128;

/// The chunks of every eight rows of 128 bytes change places, by the bits of the address.
std::uint32_t swizzled(std::uint32_t address) { return address ^ (address >> 7U & 7U) * kChunk; }

/// What a tensor map holds.
struct Map {
  const std::byte* address;
  std::uint64_t extents[2], pitch;
  std::uint32_t box[2], element_bytes;
  bool is_swizzled;
};
static_assert(sizeof(Map) <= sizeof(CUtensorMap));

struct Copy {
  Map map;
  std::int64_t x, y;
  std::byte* to;

  std::int64_t bytes() const { return std::int64_t{map.box[0]} * map.box[1] * map.element_bytes; }
};

struct Barrier {
  unsigned arrivals = 0, pending = 0, phase = 0;
  std::int64_t bytes = 0;  ///< that are expected and have not come
  std::deque<Copy> copies;
};

struct Multiplication {
  float* sums;
  std::uint64_t left, right;
  bool is_tf32;
};

struct Thread {
  bool is_fenced = false;
  std::vector<Multiplication> open;
  std::deque<std::vector<Multiplication>> groups;
};

std::atomic<bool> copies_at_once = false;

/// Of one host thread's block.
class Block {
 public:
  void set_bytes(std::size_t bytes) {
    if (bytes == bytes_) return;
    bytes_ = bytes;
    memory_.reset();
    void* memory = nullptr;
    if (bytes > 0 && posix_memalign(&memory, kFirstAddress, bytes) != 0) std::abort();
    memory_.reset(static_cast<std::byte*>(memory));
  }
  void begin() const {
    if (bytes_ > 0) std::memset(memory_.get(), 0xff, bytes_);
  }
  void end() {
    for (const auto& [at, barrier] : barriers_)
      if (!barrier.copies.empty()) stop("a copy to shared memory that nobody waited for");
    for (const Thread& thread : threads_)
      if (!thread.open.empty() || !thread.groups.empty())
        stop("a product of a warpgroup that nobody waited for");
    barriers_.clear();
    threads_.clear();
  }

  std::byte* memory() const { return memory_.get(); }
  /// `count` bytes from an address on.
  std::byte* at(std::uint32_t address, std::uint32_t count) const {
    if (address < kFirstAddress || address + std::uint64_t{count} > kFirstAddress + bytes_)
      stop("an access outside of shared memory");
    return memory_.get() + (address - kFirstAddress);
  }
  std::uint32_t address(const void* pointer) const {
    return static_cast<std::uint32_t>(static_cast<const std::byte*>(pointer) - memory_.get()) +
           kFirstAddress;
  }

  Barrier& barrier(const std::uint64_t* at) {
    const auto found = barriers_.find(at);
    if (found == barriers_.end()) stop("a barrier in shared memory that was never initialised");
    return found->second;
  }
  void init(const std::uint64_t* at, unsigned arrivals) {
    Barrier& barrier = barriers_[at];
    barrier = {};
    barrier.arrivals = barrier.pending = arrivals;
  }
  Thread& thread() {
    const unsigned number = thread_number();
    if (threads_.size() <= number) threads_.resize(number + 1);
    return threads_[number];
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  std::size_t bytes_ = 0;
  std::unique_ptr<std::byte, Free> memory_;
  std::map<const std::uint64_t*, Barrier> barriers_;
  std::deque<Thread> threads_;  // at addresses that stay
};

Block& block() {
  thread_local Block one;
  return one;
}

void end_phase_if_complete(Barrier& barrier) {
  if (barrier.pending > 0 || barrier.bytes != 0) return;
  barrier.pending = barrier.arrivals;
  ++barrier.phase;
}

void arrive(Barrier& barrier, unsigned bytes) {
  if (barrier.pending == 0) stop("more arrivals at a barrier in shared memory than it expects");
  barrier.bytes += bytes;
  --barrier.pending;
  end_phase_if_complete(barrier);
}

void perform(const Copy& copy, Barrier& barrier) {
  const Map& map = copy.map;
  std::uint32_t to = block().address(copy.to);
  for (std::uint32_t row = 0; row < map.box[1]; ++row)
    for (std::uint32_t column = 0; column < map.box[0]; ++column, to += map.element_bytes) {
      std::byte* const element = block().at(map.is_swizzled ? swizzled(to) : to, map.element_bytes);
      const std::int64_t x = copy.x + column, y = copy.y + row;
      const bool is_inside = x >= 0 && y >= 0 && static_cast<std::uint64_t>(x) < map.extents[0] &&
                             static_cast<std::uint64_t>(y) < map.extents[1];
      if (is_inside)
        std::memcpy(element,
                    map.address + static_cast<std::uint64_t>(y) * map.pitch +
                        static_cast<std::uint64_t>(x) * map.element_bytes,
                    map.element_bytes);
      else
        std::memset(element, 0, map.element_bytes);
    }
  barrier.bytes -= copy.bytes();
  end_phase_if_complete(barrier);
}

/// 32 bytes of a row, of the matrix that a descriptor describes: 8 or 16 elements.
using Elements = std::array<double, 16>;
Elements elements(std::uint64_t descriptor, unsigned row, bool is_tf32) {
  const auto field = [&](unsigned first_bit) {
    return static_cast<std::uint32_t>(descriptor >> first_bit & 0x3fffU) << 4U;
  };
  const std::uint32_t start = field(0) + row / 8 * field(32) + row % 8 * kRow;
  Elements out{};
  for (unsigned chunk = 0; chunk < 2; ++chunk) {
    const std::byte* const from = block().at(swizzled(start + chunk * kChunk), kChunk);
    std::array<std::uint32_t, 4> words;
    std::memcpy(words.data(), from, kChunk);
    for (unsigned w = 0; w < 4; ++w) {
      const auto value = [](std::uint32_t bits) { return double{std::bit_cast<float>(bits)}; };
      if (is_tf32) {
        out[chunk * 4 + w] = value(words[w] & 0xffffe000U);
      } else {
        out[chunk * 8 + w * 2] = value(words[w] << 16U);
        out[chunk * 8 + w * 2 + 1] = value(words[w] & 0xffff0000U);
      }
    }
  }
  return out;
}

/// The calling thread's sums (PTX ISA, "Matrix Fragments for wgmma.mma_async.m64nNk16", D): those
/// of rows 16 warp + lane / 4 and 8 below, and of columns 8 j + lane % 4 * 2 and the next.
void perform(const Multiplication& product) {
  const unsigned thread = thread_number() % kWarpgroup, lane = thread % 32;
  const unsigned depth = product.is_tf32 ? 8 : 16, row = thread / 32 * 16 + lane / 4;
  const Elements left[2] = {elements(product.left, row, product.is_tf32),
                            elements(product.left, row + 8, product.is_tf32)};
  for (unsigned j = 0; j < 32; ++j)
    for (unsigned e = 0; e < 2; ++e) {
      const Elements right = elements(product.right, 8 * j + lane % 4 * 2 + e, product.is_tf32);
      for (unsigned half = 0; half < 2; ++half) {
        float& place = product.sums[4 * j + 2 * half + e];
        double sum = place;
        for (unsigned k = 0; k < depth; ++k) sum += left[half][k] * right[k];
        place = static_cast<float>(sum);
      }
    }
}

void multiply(float* sums, std::uint64_t left, std::uint64_t right, bool is_tf32) {
  for (const std::uint64_t descriptor : {left, right}) {
    if (descriptor >> 62U != 1) stop("a matrix in another swizzle than that of 128 bytes");
    if ((descriptor >> 49U & 7U) != 0) stop("a matrix whose swizzle has a base offset");
  }
  Thread& thread = block().thread();
  if (!thread.is_fenced) stop("a product of a warpgroup without wgmma.fence");
  thread.open.push_back({sums, left, right, is_tf32});
}

}  // namespace

void set_dynamic_shared_memory(std::size_t bytes) { block().set_bytes(bytes); }
void begin_asynchronous() { block().begin(); }
void end_asynchronous() { block().end(); }

std::byte* dynamic_shared_memory() { return block().memory(); }
std::uint32_t shared_address(const void* pointer) { return block().address(pointer); }

void mbarrier_init(std::uint64_t* barrier, unsigned arrivals) { block().init(barrier, arrivals); }
void mbarrier_arrive(std::uint64_t* barrier) { arrive(block().barrier(barrier), 0); }
void mbarrier_arrive_expect_tx(std::uint64_t* barrier, unsigned bytes) {
  arrive(block().barrier(barrier), bytes);
}
void mbarrier_wait_parity(std::uint64_t* at, unsigned parity) {
  Barrier& barrier = block().barrier(at);
  const auto is_complete = [&barrier, parity] {
    while (barrier.phase % 2 == parity && !barrier.copies.empty()) {
      const Copy copy = barrier.copies.front();
      barrier.copies.pop_front();
      perform(copy, barrier);
    }
    return barrier.phase % 2 != parity;
  };
  if (!is_complete()) wait_until(is_complete);
}

void cp_async_bulk_tensor_2d(void* to, const CUtensorMap& map, int x, int y, std::uint64_t* at) {
  Barrier& barrier = block().barrier(at);
  if (block().address(to) % kRow != 0) stop("a tile that is not at a multiple of 128 bytes");
  Copy copy{{}, x, y, static_cast<std::byte*>(to)};
  std::memcpy(&copy.map, &map, sizeof(Map));
  if (copies_at_once)
    perform(copy, barrier);
  else
    barrier.copies.push_back(copy);
}

void set_copies_at_once(bool at_once) { copies_at_once = at_once; }

void wgmma_m64n256k8_tf32(float (&sums)[128], std::uint64_t left, std::uint64_t right) {
  multiply(sums, left, right, true);
}
void wgmma_m64n256k16_bf16(float (&sums)[128], std::uint64_t left, std::uint64_t right) {
  multiply(sums, left, right, false);
}
void wgmma_fence() { block().thread().is_fenced = true; }
void wgmma_commit_group() {
  Thread& thread = block().thread();
  thread.groups.push_back(std::move(thread.open));
  thread.open.clear();
}
void wait_for_groups(unsigned pending) {
  wait_for_warp();  // whoever may run before, does
  Thread& thread = block().thread();
  while (thread.groups.size() > pending) {
    for (const Multiplication& product : thread.groups.front()) perform(product);
    thread.groups.pop_front();
  }
  if (thread.groups.empty()) thread.is_fenced = false;
  wait_for_warp();  // a warp's products are its lanes' together
}

}  // namespace rho::cuda_emulator

using rho::cuda_emulator::Map;

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank,
                                void* address, const cuuint64_t* extents, const cuuint64_t* strides,
                                const cuuint32_t* box, const cuuint32_t* element_strides,
                                CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
  const bool is_supported = rank == 2 && interleave == CU_TENSOR_MAP_INTERLEAVE_NONE &&
                            element_strides[0] == 1 && element_strides[1] == 1;
  if (!is_supported) return CUDA_ERROR_NOT_SUPPORTED;
  constexpr std::uint64_t kMostElements = std::uint64_t{1} << 32U,
                          kMostPitch = std::uint64_t{1} << 40U;
  constexpr std::uint32_t kMostOfBox = 256;
  const std::uint32_t element_bytes = type == CU_TENSOR_MAP_DATA_TYPE_FLOAT32 ? 4 : 2;
  const auto is_multiple = [](std::uint64_t of_bytes) { return of_bytes % 16 == 0; };
  bool fits = reinterpret_cast<std::uintptr_t>(map) % 64 == 0 &&
              is_multiple(reinterpret_cast<std::uintptr_t>(address)) && is_multiple(strides[0]) &&
              strides[0] < kMostPitch && strides[0] >= extents[0] * element_bytes;
  for (int d = 0; d < 2; ++d)
    fits = fits && extents[d] >= 1 && extents[d] <= kMostElements && box[d] >= 1 &&
           box[d] <= kMostOfBox;
  const std::uint32_t row_bytes = box[0] * element_bytes;
  fits = fits && is_multiple(row_bytes) &&
         (swizzle == CU_TENSOR_MAP_SWIZZLE_NONE || row_bytes <= rho::cuda_emulator::kRow);
  if (!fits) return CUDA_ERROR_INVALID_VALUE;
  const Map held{static_cast<const std::byte*>(address),
                 {extents[0], extents[1]},
                 strides[0],
                 {box[0], box[1]},
                 element_bytes,
                 swizzle == CU_TENSOR_MAP_SWIZZLE_128B};
  *map = {};
  std::memcpy(map, &held, sizeof(held));
  return CUDA_SUCCESS;
}
