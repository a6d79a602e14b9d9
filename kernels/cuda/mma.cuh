// Tensor cores: what they multiply, and the instructions. A word is what a register holds of an
// operand, kPerWord elements that are neighbours in k. Rounding is to nearest, ties to even,
// whichever way it is done; NaN stays NaN.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>

namespace rho::kernels::cuda {

/// The bits of `value` rounded so that the last `dropped` count for nothing; not all are 0.
__device__ inline std::uint32_t rounded_bits(float value, unsigned dropped) {
  // Rounding could carry a NaN over to -0.
  if (value != value) return 0x7fffffffU;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bits + (1U << (dropped - 1)) - 1 + (bits >> dropped & 1U);
}

/// A lane's words of four matrices in shared memory, each of 8 lines of 4 words: word lane % 4 of
/// line lane / 4 of every one. Lane l says where line l % 8 of matrix l / 8 is (PTX ISA, ldmatrix).
__device__ inline void load_matrices(const std::uint32_t* line, std::uint32_t (&words)[4]) {
#if defined(__CUDACC__)
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<std::uint32_t>(__cvta_generic_to_shared(line)))
               : "memory");
#else
  cuda_emulator::load_matrices(line, words);
#endif
}

// One warp's sums [16, 8] += left [16, 8 words] right [8 words, 8]. Of those a lane has, with
// group = lane / 4 and place = lane % 4 (PTX ISA, "Matrix Fragments for mma.m16n8k8" of .tf32, and
// "for mma.m16n8k16" of .bf16):
//   left   words (group, place), (group + 8, place), (group, place + 4), (group + 8, place + 4)
//   right  words (place, group), (place + 4, group)
//   sums   (group, 2 place), (group, 2 place + 1), (group + 8, 2 place), (group + 8, 2 place + 1)
// Devices before 8.0 have no such instruction; the host starts no such kernel there, and none that
// was compiled for them.

struct TensorFloat32 {
  static constexpr int kPerWord = 1;

  __device__ static std::uint32_t word(const float (&values)[kPerWord]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    std::uint32_t out;
    asm("cvt.rn.tf32.f32 %0, %1;" : "=r"(out) : "f"(values[0]));
    return out;
#else
    return rounded_bits(values[0], 13);  // the instruction ignores them
#endif
  }
  __device__ static void multiply_add(float (&sums)[4], const std::uint32_t (&left)[4],
                                      const std::uint32_t (&right)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
#elif defined(__CUDACC__)
    __trap();
#else
    cuda_emulator::mma_m16n8k8_tf32(sums, left, right);
#endif
  }
};

struct BFloat16 {
  static constexpr int kPerWord = 2;

  __device__ static std::uint32_t word(const float (&values)[kPerWord]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    std::uint32_t out;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(values[1]), "f"(values[0]));
    return out;
#else
    return rounded_bits(values[0], 16) >> 16U | (rounded_bits(values[1], 16) & 0xffff0000U);
#endif
  }
  __device__ static void multiply_add(float (&sums)[4], const std::uint32_t (&left)[4],
                                      const std::uint32_t (&right)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
#elif defined(__CUDACC__)
    __trap();
#else
    cuda_emulator::mma_m16n8k16_bf16(sums, left, right);
#endif
  }
};

}  // namespace rho::kernels::cuda
