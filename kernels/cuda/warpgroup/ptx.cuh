// Instructions of compute capability 9.0, under their names in the PTX ISA, which CUDA has no
// functions for. On a machine without a GPU the emulation has functions of the same names.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace rho::kernels::cuda {

#ifndef __CUDACC__
namespace ptx = cuda_emulator;
#else
namespace ptx {

/// What the launch asked for, from a multiple of 1024 bytes on.
__device__ inline std::byte* dynamic_shared_memory() {
  extern __shared__ __align__(1024) std::byte memory[];
  return memory;
}

__device__ inline std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ inline void mbarrier_init(std::uint64_t* barrier, unsigned arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals)
               : "memory");
}

__device__ inline void mbarrier_arrive(std::uint64_t* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}

__device__ inline void mbarrier_arrive_expect_tx(std::uint64_t* barrier, unsigned bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}

/// Until the phase of this parity is complete.
__device__ inline void mbarrier_wait_parity(std::uint64_t* barrier, unsigned parity) {
  for (std::uint32_t is_complete = 0; is_complete == 0;)
    asm volatile(
        "{\n"
        ".reg .pred is_complete;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 is_complete, [%1], %2;\n"
        "selp.u32 %0, 1, 0, is_complete;\n"
        "}"
        : "=r"(is_complete)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
}

/// What this thread wrote to shared memory is seen by the copies that the device makes.
__device__ inline void fence_proxy_async() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// The box whose first element is (x, y), x of a row, to shared memory; 0 outside of the matrix.
__device__ inline void cp_async_bulk_tensor_2d(void* to, const CUtensorMap& map, int x, int y,
                                               std::uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3}], [%4];" ::"r"(shared_address(to)),
      "l"(&map), "r"(x), "r"(y), "r"(shared_address(barrier))
      : "memory");
}

/// Before the first product after something else touched the sums.
__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ inline void wgmma_commit_group() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/// For all groups but the last `kPending`.
template <unsigned kPending>
__device__ void wgmma_wait_group() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

// The compiler wants every register by its name.
#define RHO_REGISTERS                                                                            \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                       \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "             \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "             \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "             \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "             \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define RHO_EIGHT(i)                                                                         \
  "+f"(sums[i]), "+f"(sums[i + 1]), "+f"(sums[i + 2]), "+f"(sums[i + 3]), "+f"(sums[i + 4]), \
      "+f"(sums[i + 5]), "+f"(sums[i + 6]), "+f"(sums[i + 7])
#define RHO_THIRTY_TWO(i) RHO_EIGHT(i), RHO_EIGHT(i + 8), RHO_EIGHT(i + 16), RHO_EIGHT(i + 24)
#define RHO_WGMMA(shape_and_types, scales)                                                     \
  asm volatile("wgmma.mma_async.sync.aligned." shape_and_types " {" RHO_REGISTERS              \
               "}, %128, %129, " scales ";"                                                    \
               : RHO_THIRTY_TWO(0), RHO_THIRTY_TWO(32), RHO_THIRTY_TWO(64), RHO_THIRTY_TWO(96) \
               : "l"(left), "l"(right))

/// sums [64, 256] += left [64, k] right [256, k]^T of a warpgroup, by the descriptors of matrices
/// in shared memory, in which neighbours in k are neighbours. A thread has the sums of rows 16 warp
/// + lane / 4 and 8 below, and of columns 8 j + lane % 4 * 2 and the next, at 4 j.
__device__ inline void wgmma_m64n256k8_tf32(float (&sums)[128], std::uint64_t left,
                                            std::uint64_t right) {
  RHO_WGMMA("m64n256k8.f32.tf32.tf32", "1, 1, 1");
}
__device__ inline void wgmma_m64n256k16_bf16(float (&sums)[128], std::uint64_t left,
                                             std::uint64_t right) {
  RHO_WGMMA("m64n256k16.f32.bf16.bf16", "1, 1, 1, 0, 0");
}

#undef RHO_WGMMA
#undef RHO_THIRTY_TWO
#undef RHO_EIGHT
#undef RHO_REGISTERS

/// How many registers a thread of this warpgroup has from now on: more, or fewer.
template <unsigned kRegisters>
__device__ void setmaxnreg_inc() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <unsigned kRegisters>
__device__ void setmaxnreg_dec() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

}  // namespace ptx
#endif

}  // namespace rho::kernels::cuda
