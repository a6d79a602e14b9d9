// What a block of a device of compute capability 9.0 has done for it while its threads go on: tiles
// are copied to shared memory and complete a barrier there (mbarrier, cp.async.bulk.tensor), and
// warpgroups of 128 threads multiply what is there (wgmma). All of it happens as late as a device
// may: a tile is written when somebody waits for its barrier, operands are read and sums written by
// the wait for their group. Functions have the names of the instructions.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUtensorMap;

namespace rho::cuda_emulator {

/// Of the block: as many bytes as its launch asked for, from a multiple of 1024 on. All bits are
/// set when the block begins.
std::byte* dynamic_shared_memory();
/// Where `pointer` is in the shared memory of the block.
std::uint32_t shared_address(const void* pointer);

void mbarrier_init(std::uint64_t* barrier, unsigned arrivals);
void mbarrier_arrive(std::uint64_t* barrier);
void mbarrier_arrive_expect_tx(std::uint64_t* barrier, unsigned bytes);
/// Until the phase of this parity is complete.
void mbarrier_wait_parity(std::uint64_t* barrier, unsigned parity);
inline void fence_proxy_async() {}

/// The box whose first element is (x, y), x of a row; 0 outside of the matrix.
void cp_async_bulk_tensor_2d(void* to, const CUtensorMap& map, int x, int y,
                             std::uint64_t* barrier);
/// Whether tiles are copied at once instead, as early as a device may: what is overwritten before
/// it was used shows. At first they are not.
void set_copies_at_once(bool at_once);

/// sums [64, 256] += left [64, k] right [256, k]^T, of a warpgroup: matrices in shared memory, as
/// their descriptors say, in the 128-byte swizzle. Each sums up in double and rounds to float once.
void wgmma_m64n256k8_tf32(float (&sums)[128], std::uint64_t left, std::uint64_t right);
void wgmma_m64n256k16_bf16(float (&sums)[128], std::uint64_t left, std::uint64_t right);
void wgmma_fence();
void wgmma_commit_group();
/// For all groups of the thread but the last `pending`.
void wait_for_groups(unsigned pending);
template <unsigned kPending>
void wgmma_wait_group() {
  wait_for_groups(kPending);
}

// The share of the registers that a warpgroup has, for which the emulation has no limit.
template <unsigned>
void setmaxnreg_inc() {}
template <unsigned>
void setmaxnreg_dec() {}

}  // namespace rho::cuda_emulator
