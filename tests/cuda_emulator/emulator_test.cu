// What the emulation is trusted with: barriers, shuffles, indices, and what it does not let pass.
#include <gtest/gtest.h>

#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"

namespace rho::kernels::cuda {
namespace {

const Device kDevice{DeviceType::CUDA, 0};

// Every thread reads what another one wrote before the barrier.
__global__ void rotate(int* out) {
  __shared__ int values[96];
  const unsigned t = threadIdx.x, count = blockDim.x;
  for (int round = 0; round < 3; ++round) {
    values[t] = static_cast<int>(blockIdx.x * count + t) + round;
    __syncthreads();
    out[blockIdx.x * count + t] = values[(t + 1) % count];
    __syncthreads();
  }
}

TEST(CudaEmulator, ThreadsMeetAtABarrier) {
  const Buffer<int> out(192, kDevice);
  launch("rotate", kDevice, rotate, 2, 96, out.data());
  const std::vector<int> found = out.download();
  for (int i = 0; i < 192; ++i)
    EXPECT_EQ(found[static_cast<std::size_t>(i)], i / 96 * 96 + (i + 1) % 96 + 2);
}

__global__ void sum_of_warp(int* out) {
  int value = static_cast<int>(threadIdx.x);
  for (unsigned mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(0xffffffffU, value, mask);
  out[threadIdx.x] = value;
}

TEST(CudaEmulator, LanesShuffle) {
  const Buffer<int> out(64, kDevice);
  launch("sum_of_warp", kDevice, sum_of_warp, 1, 64, out.data());
  const std::vector<int> found = out.download();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(found[i], i < 32 ? 496 : 1520);
}

__global__ void diverge() {
  if (threadIdx.x == 0) __syncthreads();
  for (unsigned mask = 16; threadIdx.x > 0 && threadIdx.x < 32 && mask > 0; mask /= 2)
    static_cast<void>(__shfl_xor_sync(0xffffffffU, 1, mask));
}

TEST(CudaEmulatorDeathTest, ABarrierThatSomeNeverReach) {
  EXPECT_DEATH(
      {
        launch("diverge", kDevice, diverge, 1, 32);
        synchronize(kDevice, "diverge");
      },
      "barrier");
}

TEST(CudaEmulator, ALaunchThatNoDeviceTakesNamesTheOperation) {
  try {
    launch("wide", kDevice, diverge, 1, 2048);
    ADD_FAILURE() << "a block of 2048 threads";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[wide] CUDA: invalid configuration argument");
  }
}

TEST(CudaEmulator, NothingIsDoneBeforeSomebodyWaits) {
  if (is_blocking()) GTEST_SKIP() << "every kernel is waited for";
  int* memory = nullptr;
  ASSERT_EQ(cudaMallocManaged(reinterpret_cast<void**>(&memory), 64 * sizeof(int)), cudaSuccess);
  memory[0] = -1;
  launch("sum_of_warp", kDevice, sum_of_warp, 1, 64, memory);
  EXPECT_EQ(memory[0], -1);
  synchronize(kDevice, "sum_of_warp");
  EXPECT_EQ(memory[0], 496);
  cudaFree(memory);
}

#ifdef __SANITIZE_ADDRESS__
__global__ void write_past(int* out, int count) { out[count] = 1; }

TEST(CudaEmulatorDeathTest, HostCodeMayNotTouchDeviceMemory) {
  const Buffer<int> out(4, kDevice);
  EXPECT_DEATH(*out.data() = 1, "use-after-poison");
}

TEST(CudaEmulatorDeathTest, KernelsMayNotWritePastTheEnd) {
  void* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 1024), cudaSuccess);
  EXPECT_DEATH(
      {
        launch("write_past", kDevice, write_past, 1, 1, static_cast<int*>(memory), 256);
        synchronize(kDevice, "write_past");
      },
      "heap-buffer-overflow");
  cudaFree(memory);
}
#endif

}  // namespace
}  // namespace rho::kernels::cuda
