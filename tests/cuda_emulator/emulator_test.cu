// What the emulation is trusted with: barriers, shuffles, indices, and what it does not let pass.
#include <gtest/gtest.h>

#include <bit>

#include "kernels/cuda/grid.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "tests/support/testing.h"

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

// Every block reads what all the others wrote before the barrier.
__global__ void sum_of_grid(int* values, int* out) {
  for (int round = 0; round < 3; ++round) {
    if (threadIdx.x == 0) values[blockIdx.x] = static_cast<int>(blockIdx.x) + 10 * round;
    wait_for_grid();
    int sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += values[b];
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
    wait_for_grid();
  }
}

TEST(CudaEmulator, BlocksOfACooperativeLaunchMeet) {
  const Buffer<int> values(2, kDevice), out(2 * kThreads, kDevice);
  launch_cooperative("sum_of_grid", kDevice, sum_of_grid, 100, values.data(), out.data());
  for (const int sum : out.download()) EXPECT_EQ(sum, 41);  // two blocks: 20 and 21
}

__global__ void leave_the_others(int* values) {
  if (blockIdx.x == 0) return;
  wait_for_grid();
  values[0] = 1;
}

TEST(CudaEmulatorDeathTest, ABarrierThatSomeBlocksNeverReach) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto launch_and_wait = [](bool cooperative) {
    const Buffer<int> values(1, kDevice);
    if (cooperative)
      launch_cooperative("leave", kDevice, leave_the_others, 2, values.data());
    else
      launch("leave", kDevice, leave_the_others, 2, 32, values.data());
    values.download();
  };
  EXPECT_DEATH(launch_and_wait(true), "some blocks of a grid never reach");
  EXPECT_DEATH(launch_and_wait(false), "not launched as a cooperative one");
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

// Elements by the indices that the PTX ISA gives for each register.
__global__ void multiply_fragments(const float* left, const float* right, float* out,
                                   bool is_tf32) {
  const unsigned lane = threadIdx.x, group = lane / 4, place = lane % 4;
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  std::uint32_t a[4], b[2];
  float sums[4];
  for (unsigned r = 0; r < 4; ++r) {
    const unsigned row = group + (r % 2 == 1 ? 8 : 0);
    if (is_tf32) {
      const unsigned column = place + (r >= 2 ? 4 : 0);
      a[r] = bits(left[row * 8 + column]);
    } else {
      const unsigned column = 2 * place + (r >= 2 ? 8 : 0);
      a[r] = bits(left[row * 16 + column]) >> 16U | bits(left[row * 16 + column + 1]);
    }
  }
  for (unsigned r = 0; r < 2; ++r) {
    const unsigned row = is_tf32 ? place + 4 * r : 2 * place + 8 * r;
    b[r] = is_tf32 ? bits(right[row * 8 + group])
                   : bits(right[row * 8 + group]) >> 16U | bits(right[(row + 1) * 8 + group]);
  }
  const auto at = [&](unsigned r) { return (group + (r >= 2 ? 8 : 0)) * 8 + 2 * place + r % 2; };
  for (unsigned r = 0; r < 4; ++r) sums[r] = out[at(r)];
  if (is_tf32)
    cuda_emulator::mma_m16n8k8_tf32(sums, a, b);
  else
    cuda_emulator::mma_m16n8k16_bf16(sums, a, b);
  for (unsigned r = 0; r < 4; ++r) out[at(r)] = sums[r];
}

TEST(CudaEmulator, MultipliesFragments) {
  for (const unsigned depth : {8U, 16U}) {
    // Small integers: exact in every format, and as sums.
    std::vector<float> left(16 * depth), right(depth * 8), sums(16 * 8);
    int next = 0;
    for (auto* const values : {&left, &right, &sums})
      for (float& value : *values) value = static_cast<float>(next++ * 37 % 101 - 50);
    const Tensor a = Tensor::from(left, {16, depth}, kDevice),
                 b = Tensor::from(right, {depth, 8}, kDevice),
                 out = Tensor::from(sums, {16, 8}, kDevice);
    launch("multiply_fragments", kDevice, multiply_fragments, 1, 32, a.data<float>(),
           b.data<float>(), out.data<float>(), depth == 8);
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned j = 0; j < 8; ++j)
        for (unsigned k = 0; k < depth; ++k)
          sums[i * 8 + j] += left[i * depth + k] * right[k * 8 + j];
    EXPECT_EQ(out.to(Device{}).to_vector<float>(), sums);
  }
}

TEST(CudaEmulator, ADeviceOrCodeWithoutTensorCoresForItSaysSo) {
  const Tensor a = Tensor::from(std::vector<float>(4, 1.0F), {2, 2}, kDevice);
  const Tensor out = Tensor::empty({2, 2}, DType::Float32, kDevice);
  const ProductPrecisionScope scope(ProductPrecision::BFloat16);
  cuda_emulator::set_compute_capability(7, 5);
  EXPECT_TRUE(testing::contains(testing::message_of([&] { matmul(a, a, out); }), "[matmul]", "bf16",
                                "8.0 or later", "cuda:0 has 7.5"));
  cuda_emulator::set_compute_capability(9, 0);
  cuda_emulator::set_ptx_version(75);
  EXPECT_TRUE(testing::contains(testing::message_of([&] { matmul(a, a, out); }), "[matmul]", "bf16",
                                "8.0 or later", "is for 7.5"));
  cuda_emulator::set_ptx_version(90);
  EXPECT_EQ(testing::message_of([&] { matmul(a, a, out); }), "no error");
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
