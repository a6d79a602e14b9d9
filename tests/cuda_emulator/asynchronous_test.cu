// What the emulation is trusted with of asynchronous.h: where tiles and fragments lie, when copies
// and products happen, and what it does not let pass.
#include <gtest/gtest.h>

#include <bit>

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/warpgroup/ptx.cuh"
#include "kernels/cuda/warpgroup/tensor_map.cuh"
#include "kernels/cuda/warpgroup/warpgroup_product.h"
#include "kernels/precision.h"
#include "tests/support/testing.h"

namespace rho::kernels::cuda {
namespace {

const Device kEmulated{DeviceType::CUDA, 0};
constexpr unsigned kTileBytes = 8 * 128;

std::uint64_t& barrier_behind(std::size_t bytes) {
  return *reinterpret_cast<std::uint64_t*>(ptx::dynamic_shared_memory() + bytes);
}

/// 8 lines of 32 floats of a matrix from (x, y) on, as they lie in shared memory.
__global__ void copy_tile(const __grid_constant__ CUtensorMap map, int x, int y, float* out) {
  std::uint64_t& barrier = barrier_behind(kTileBytes);
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&barrier, 1);
    ptx::mbarrier_arrive_expect_tx(&barrier, kTileBytes);
    ptx::cp_async_bulk_tensor_2d(ptx::dynamic_shared_memory(), map, x, y, &barrier);
  }
  __syncthreads();
  ptx::mbarrier_wait_parity(&barrier, 0);
  const auto* const tile = reinterpret_cast<const float*>(ptx::dynamic_shared_memory());
  for (unsigned i = threadIdx.x; i < kTileBytes / 4; i += blockDim.x) out[i] = tile[i];
}

TEST(CudaEmulator, CopiesTilesInTheSwizzleOf128Bytes) {
  constexpr int kLines = 11, kDepth = 45, kPitch = 48;
  std::vector<float> values(kLines * kPitch);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  const Buffer<float> matrix(values, kEmulated), out(kTileBytes / 4, kEmulated);
  const CUtensorMap map = tensor_map("copy_tile", {.type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
                                                   .data = matrix.data(),
                                                   .lines = kLines,
                                                   .depth = kDepth,
                                                   .pitch_bytes = kPitch * 4,
                                                   .box_lines = 8,
                                                   .box_depth = 32});
  for (const auto& [x, y] : {std::pair{0, 0}, {32, 8}, {7, -3}, {-5, 2}, {100, 0}}) {
    launch_with_shared_memory("copy_tile", kEmulated, copy_tile, 1, 32, kTileBytes + 8, map, x, y,
                              out.data());
    const std::vector<float> found = out.download();
    for (int line = 0; line < 8; ++line)
      for (int k = 0; k < 32; ++k) {
        // The chunks of four floats of a line, by the line's number.
        const int at = line * 32 + ((k / 4) ^ line) * 4 + k % 4;
        const bool is_inside = y + line >= 0 && y + line < kLines && x + k >= 0 && x + k < kDepth;
        EXPECT_EQ(found[static_cast<std::size_t>(at)],
                  is_inside ? static_cast<float>((y + line) * kPitch + x + k + 1) : 0.0F)
            << x << ' ' << y << ": " << line << ' ' << k;
      }
  }
}

/// out [64, 256] of a warpgroup: the product of a slab's first `steps` steps; and whether sums
/// changed before they were waited for.
__global__ void multiply_slab(const __grid_constant__ CUtensorMap left,
                              const __grid_constant__ CUtensorMap right, bool is_tf32, int steps,
                              float* out, int* changed) {
  constexpr unsigned kLeft = 64 * 128, kRight = 256 * 128;
  std::uint64_t& barrier = barrier_behind(kLeft + kRight);
  std::byte* const memory = ptx::dynamic_shared_memory();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&barrier, 1);
    ptx::mbarrier_arrive_expect_tx(&barrier, kLeft + kRight);
    ptx::cp_async_bulk_tensor_2d(memory, left, 0, 0, &barrier);
    ptx::cp_async_bulk_tensor_2d(memory + kLeft, right, 0, 0, &barrier);
  }
  __syncthreads();
  ptx::mbarrier_wait_parity(&barrier, 0);
  float sums[128] = {};
  ptx::wgmma_fence();
  for (int step = 0; step < steps; ++step) {
    const auto descriptor = [&](const std::byte* matrix) {
      constexpr std::uint64_t kStride = 1024 / 16, kSwizzle = 1;
      return (ptx::shared_address(matrix) + 32U * static_cast<unsigned>(step)) / 16 |
             kStride << 32U | kSwizzle << 62U;
    };
    if (is_tf32)
      ptx::wgmma_m64n256k8_tf32(sums, descriptor(memory), descriptor(memory + kLeft));
    else
      ptx::wgmma_m64n256k16_bf16(sums, descriptor(memory), descriptor(memory + kLeft));
  }
  ptx::wgmma_commit_group();
  ptx::wgmma_wait_group<1>();
  for (const float sum : sums)
    if (sum != 0) *changed = 1;
  ptx::wgmma_wait_group<0>();
  const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (unsigned j = 0; j < 32; ++j)
    for (unsigned s = 0; s < 4; ++s)
      out[(16 * warp + lane / 4 + s / 2 * 8) * 256 + 8 * j + lane % 4 * 2 + s % 2] =
          sums[4 * j + s];
}

TEST(CudaEmulator, MultipliesWhatDescriptorsDescribe) {
  for (const bool is_tf32 : {true, false})
    for (const int steps : {1, 4}) {
      // Small integers: exact in both formats, and as sums.
      const std::size_t depth = is_tf32 ? 32 : 64, used = depth / 4 * static_cast<unsigned>(steps);
      std::vector<float> left(64 * depth), right(256 * depth), sums(64 * 256);
      int next = 0;
      for (auto* const values : {&left, &right})
        for (float& value : *values) value = static_cast<float>(next++ * 37 % 101 - 50);
      const auto packed = [&](const std::vector<float>& values) {
        std::vector<std::uint32_t> words;
        for (std::size_t i = 0; i < values.size(); i += is_tf32 ? 1 : 2)
          words.push_back(is_tf32 ? TensorFloat32::word({values[i]})
                                  : BFloat16::word({values[i], values[i + 1]}));
        return Buffer<std::uint32_t>(words, kEmulated);
      };
      const auto map = [&](const Buffer<std::uint32_t>& words, int lines) {
        return tensor_map("multiply_slab", {.type = is_tf32 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT32
                                                            : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                                            .data = words.data(),
                                            .lines = lines,
                                            .depth = static_cast<int>(depth),
                                            .pitch_bytes = 128,
                                            .box_lines = static_cast<unsigned>(lines),
                                            .box_depth = static_cast<unsigned>(depth)});
      };
      const auto a = packed(left), b = packed(right);
      const Buffer<float> out(64 * 256, kEmulated);
      const Buffer<int> changed(std::vector<int>{0}, kEmulated);
      launch_with_shared_memory("multiply_slab", kEmulated, multiply_slab, 1, 128, 320 * 128 + 8,
                                map(a, 64), map(b, 256), is_tf32, steps, out.data(),
                                changed.data());
      for (std::size_t i = 0; i < 64; ++i)
        for (std::size_t j = 0; j < 256; ++j)
          for (std::size_t k = 0; k < used; ++k)
            sums[i * 256 + j] += left[i * depth + k] * right[j * depth + k];
      EXPECT_EQ(out.download(), sums) << is_tf32 << ' ' << steps;
      EXPECT_EQ(changed.download()[0], 0);
    }
}

/// Rounds of a thread that hands numbers to another one, through a place for one.
__global__ void hand_over(int* out) {
  constexpr std::size_t kFull = 8, kEmpty = 16;
  int& place = *reinterpret_cast<int*>(ptx::dynamic_shared_memory());
  std::uint64_t &full = barrier_behind(kFull), &empty = barrier_behind(kEmpty);
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&full, 1);
    ptx::mbarrier_init(&empty, 2);
  }
  __syncthreads();
  for (unsigned round = 0; round < 5; ++round)
    if (threadIdx.x == 0) {
      ptx::mbarrier_wait_parity(&empty, round % 2 ^ 1U);
      place = static_cast<int>(round) * 10;
      ptx::mbarrier_arrive(&full);
    } else {
      ptx::mbarrier_wait_parity(&full, round % 2);
      out[(threadIdx.x - 1) * 5 + round] = place;
      ptx::mbarrier_arrive(&empty);
    }
}

TEST(CudaEmulator, BarriersInSharedMemoryHavePhases) {
  const Buffer<int> out(10, kEmulated);
  launch_with_shared_memory("hand_over", kEmulated, hand_over, 1, 3, 24, out.data());
  EXPECT_EQ(out.download(), (std::vector<int>{0, 10, 20, 30, 40, 0, 10, 20, 30, 40}));
}

__global__ void wait_in_vain() {
  std::uint64_t& barrier = barrier_behind(0);
  ptx::mbarrier_init(&barrier, 2);
  ptx::mbarrier_arrive(&barrier);
  ptx::mbarrier_wait_parity(&barrier, 0);
}

__global__ void multiply_without(bool fence, bool wait) {
  float sums[128] = {};
  const std::uint64_t matrix =
      ptx::shared_address(ptx::dynamic_shared_memory()) / 16 | std::uint64_t{1} << 62U;
  if (fence) ptx::wgmma_fence();
  ptx::wgmma_m64n256k8_tf32(sums, matrix, matrix);
  ptx::wgmma_commit_group();
  if (wait) ptx::wgmma_wait_group<0>();
}

TEST(CudaEmulatorDeathTest, WhatADeviceWouldHangOnOrGetWrong) {
  const auto run = [](auto* kernel, std::size_t bytes, auto... arguments) {
    launch_with_shared_memory("wrong", kEmulated, kernel, 1, 128, bytes, arguments...);
    synchronize(kEmulated, "wrong");
  };
  EXPECT_DEATH(run(wait_in_vain, 8), "never reach|than it expects");
  EXPECT_DEATH(run(multiply_without, 4096, false, true), "without wgmma.fence");
  EXPECT_DEATH(run(multiply_without, 4096, true, false), "nobody waited for");
  EXPECT_DEATH(run(multiply_without, 128, true, true), "outside of shared memory");
}

TEST(CudaEmulator, RefusesTensorMapsThatNoDeviceHas) {
  const Buffer<float> matrix(64 * 64, kEmulated);
  const TiledMatrix good{CU_TENSOR_MAP_DATA_TYPE_FLOAT32, matrix.data(), 64, 60, 256, 64, 32};
  EXPECT_EQ(testing::message_of([&] { tensor_map("map", good); }), "no error");
  const auto refuses = [&](const auto& change) {
    TiledMatrix bad = good;
    change(bad);
    return testing::contains(testing::message_of([&] { tensor_map("map", bad); }), "[map]",
                             "no tensor map");
  };
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.pitch_bytes = 248; }));
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.data = static_cast<float*>(m.data) + 1; }));
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.box_lines = 257; }));
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.box_depth = 64; }));  // 256 bytes
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.box_depth = 3; }));
  EXPECT_TRUE(refuses([](TiledMatrix& m) { m.lines = 0; }));
}

TEST(CudaEmulator, RefusesMoreSharedMemoryThanABlockHas) {
  const auto message = [](std::size_t bytes) {
    return testing::message_of(
        [&] { launch_with_shared_memory("wide", kEmulated, wait_in_vain, 1, 1, bytes); });
  };
  EXPECT_EQ(message((227 << 10) + 1), "[wide] CUDA: invalid argument");
}

// Whether copies come as early or as late as they may, the product is the same.
TEST(CudaEmulator, ProductsOfWarpgroupsDoNotDependOnWhenCopiesAreDone) {
  const Tensor a = testing::uniform<float>({260, 400}, 1).to(kEmulated),
               b = testing::uniform<float>({400, 300}, 2).to(kEmulated);
  const auto product = [&](ProductPrecision precision, bool at_once) {
    const ProductPrecisionScope scope(precision);
    const Tensor out = Tensor::empty({260, 300}, DType::Float32, kEmulated);
    cuda_emulator::set_copies_at_once(at_once);
    warpgroup_product(a, b, out);
    std::vector<float> found = out.to(Device{}).to_vector<float>();
    cuda_emulator::set_copies_at_once(false);
    return found;
  };
  for (const auto precision : {ProductPrecision::TensorFloat32, ProductPrecision::BFloat16})
    EXPECT_EQ(product(precision, true), product(precision, false));
}

TEST(CudaEmulator, OnlyDevicesOf90HaveProductsOfWarpgroups) {
  const ProductPrecisionScope scope(ProductPrecision::BFloat16);
  const Tensor large = Tensor::empty({1, 1}, DType::Float32, kEmulated).expand({16384, 16384});
  const auto takes = [&](int major, int minor) {
    cuda_emulator::set_compute_capability(major, minor);
    const bool found = takes_warpgroup_product(large, large, large);
    cuda_emulator::set_compute_capability(9, 0);
    return found;
  };
  EXPECT_TRUE(takes(9, 0));
  EXPECT_FALSE(takes(8, 0));
  EXPECT_FALSE(takes(8, 9));
  EXPECT_FALSE(takes(10, 0));
}

}  // namespace
}  // namespace rho::kernels::cuda
