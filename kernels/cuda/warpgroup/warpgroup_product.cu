// A block has a tile of 128 x 256 sums. One of its threads has slabs of both operands copied to a
// ring in shared memory, 128 bytes of k at a time, as soon as a place in it is free; two warpgroups
// multiply them, 64 rows each. Whoever waits for the other does so at a barrier of the place.
// Blocks are as many as multiprocessors and take tile after tile: while the sums of one are stored,
// slabs of the next are on their way.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/tiling.cuh"
#include "kernels/cuda/warpgroup/pack.cuh"
#include "kernels/cuda/warpgroup/ptx.cuh"
#include "kernels/cuda/warpgroup/tensor_map.cuh"
#include "kernels/cuda/warpgroup/warpgroup_product.h"
#include "kernels/precision.h"

namespace rho::kernels::cuda {
namespace {

constexpr auto kOp = "matmul";

// 128 x 256: the sums fill the registers of two warpgroups, and no other tile of that many
// multiplies as often what it reads. Smaller tiles would use small products' multiprocessors
// better; those are left to tensor_core_product.
constexpr int kTileRows = 128, kTileColumns = 256;
constexpr int kWarpgroup = 128, kConsumers = 2, kBlockThreads = (1 + kConsumers) * kWarpgroup;
constexpr int kConsumerRows = kTileRows / kConsumers;
/// Of a line of a slab, and of the k of one instruction.
constexpr int kSlabBytes = 128, kStepBytes = 32;

struct Slab {
  std::byte left[kTileRows * kSlabBytes];
  std::byte right[kTileColumns * kSlabBytes];
};

/// As many slabs as 227 KiB hold.
constexpr int kSlabs = 4;
struct Shared {
  Slab slabs[kSlabs];
  std::uint64_t full[kSlabs], empty[kSlabs];
};
static_assert(sizeof(Slab) % 1024 == 0 && sizeof(Shared) <= 227 * 1024);

/// A place in the ring, and the parity of how often it was reached.
struct Place {
  int slab = 0;
  unsigned parity = 0;

  __device__ void advance() {
    if (++slab < kSlabs) return;
    slab = 0;
    parity ^= 1U;
  }
};

/// Tiles are counted in 32 bits: no memory holds the sums of as many.
struct ProductShape {
  int rows, columns, slabs;

  __host__ __device__ unsigned row_tiles() const {
    return static_cast<unsigned>(rows + kTileRows - 1) / kTileRows;
  }
  __host__ __device__ unsigned column_tiles() const {
    return static_cast<unsigned>(columns + kTileColumns - 1) / kTileColumns;
  }
  __host__ __device__ unsigned tiles() const { return row_tiles() * column_tiles(); }
};

struct TilePlace {
  int row, column;
};
/// Tiles that are multiplied at one time should read the same lines, from the L2 cache: they go
/// down 16 of a column, 2048 rows, before the next column, so that 128 are square.
__device__ TilePlace place_of(unsigned tile, const ProductShape& shape) {
  constexpr unsigned kGroup = 16;
  const unsigned per_group = kGroup * shape.column_tiles(), first = tile / per_group * kGroup,
                 within = tile % per_group, height = std::min(kGroup, shape.row_tiles() - first);
  return {static_cast<int>(first + within % height) * kTileRows,
          static_cast<int>(within / height) * kTileColumns};
}

/// How wgmma is told of a matrix at `address`, of lines of 128 bytes in the swizzle of 128 bytes
/// (PTX ISA, "Matrix Descriptor Format"): addresses in units of 16 bytes, eight lines to the next
/// ones 1024. The other distance has no meaning in this layout. The place of an element's chunk
/// depends on its address alone, so that k advances by moving the first.
__device__ std::uint64_t descriptor(const void* matrix) {
  constexpr std::uint64_t kEightLines = 8 * kSlabBytes / 16, kUnused = 1, kSwizzle128 = 1;
  return ptx::shared_address(matrix) / 16 | kUnused << 16U | kEightLines << 32U |
         kSwizzle128 << 62U;
}

__device__ void multiply_add(TensorFloat32, float (&sums)[128], std::uint64_t left,
                             std::uint64_t right) {
  ptx::wgmma_m64n256k8_tf32(sums, left, right);
}
__device__ void multiply_add(BFloat16, float (&sums)[128], std::uint64_t left,
                             std::uint64_t right) {
  ptx::wgmma_m64n256k16_bf16(sums, left, right);
}

/// One thread's part: the slabs of all tiles of the block.
template <class Element>
__device__ void bring_slabs(const CUtensorMap& left, const CUtensorMap& right,
                            const ProductShape& shape, Shared& shared) {
  constexpr int kSlabDepth = kSlabBytes / 4 * Element::kPerWord;
  Place place;
  for (unsigned tile = blockIdx.x; tile < shape.tiles(); tile += gridDim.x) {
    const TilePlace at = place_of(tile, shape);
    for (int n = 0; n < shape.slabs; ++n, place.advance()) {
      std::uint64_t* const full = &shared.full[place.slab];
      // The first time round it is empty: the phase before the first counts as complete.
      ptx::mbarrier_wait_parity(&shared.empty[place.slab], place.parity ^ 1U);
      ptx::mbarrier_arrive_expect_tx(full, sizeof(Slab));
      ptx::cp_async_bulk_tensor_2d(shared.slabs[place.slab].left, left, n * kSlabDepth, at.row,
                                   full);
      ptx::cp_async_bulk_tensor_2d(shared.slabs[place.slab].right, right, n * kSlabDepth, at.column,
                                   full);
    }
  }
}

/// Of a thread: see ptx::wgmma_m64n256k16_bf16.
__device__ void store_sums(const float (&sums)[128], const ProductShape& shape, float* out, int row,
                           int column, bool in_pairs) {
  const int lane = static_cast<int>(threadIdx.x) % 32,
            warp = static_cast<int>(threadIdx.x) % kWarpgroup / 32;
#pragma unroll  // or the sums would lie in memory for it
  for (int half = 0; half < 2; ++half) {
    const int i = row + 16 * warp + 8 * half + lane / 4;
    if (i >= shape.rows) continue;
    float* const line = out + std::int64_t{i} * shape.columns;
#pragma unroll
    for (int j = 0; j < kTileColumns / 8; ++j) {
      const int first = column + 8 * j + lane % 4 * 2;
      const Vector<float, 2> pair{sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]};
      if (in_pairs && first < shape.columns) write<2>(line + first, pair);
      if (in_pairs) continue;
      if (first < shape.columns) line[first] = pair.value[0];
      if (first + 1 < shape.columns) line[first + 1] = pair.value[1];
    }
  }
}

/// The part of a warpgroup that multiplies.
template <class Element>
__device__ void multiply_slabs(const ProductShape& shape, Shared& shared, int consumer, float* out,
                               bool in_pairs) {
  const auto give_back = [&](int slab) {
    if (threadIdx.x % 32 == 0) ptx::mbarrier_arrive(&shared.empty[slab]);
  };
  Place place;
  for (unsigned tile = blockIdx.x; tile < shape.tiles(); tile += gridDim.x) {
    float sums[128] = {};
    int before = 0;
    for (int n = 0; n < shape.slabs; ++n, place.advance()) {
      const Slab& slab = shared.slabs[place.slab];
      const std::uint64_t left = descriptor(slab.left + consumer * kConsumerRows * kSlabBytes),
                          right = descriptor(slab.right);
      ptx::mbarrier_wait_parity(&shared.full[place.slab], place.parity);
      ptx::wgmma_fence();
#pragma unroll
      for (unsigned step = 0; step < kSlabBytes; step += kStepBytes)
        multiply_add(Element{}, sums, left + step / 16, right + step / 16);
      ptx::wgmma_commit_group();
      // These go on while those of the slab before are known to be done.
      ptx::wgmma_wait_group<1>();
      if (n > 0) give_back(before);
      before = place.slab;
    }
    ptx::wgmma_wait_group<0>();
    give_back(before);
    const TilePlace at = place_of(tile, shape);
    store_sums(sums, shape, out, at.row + consumer * kConsumerRows, at.column, in_pairs);
  }
}

template <class Element>
__global__ void __launch_bounds__(kBlockThreads, 1)
    warpgroup_product_kernel(const __grid_constant__ CUtensorMap left,
                             const __grid_constant__ CUtensorMap right, const ProductShape shape,
                             float* out, bool in_pairs) {
  Shared& shared = *reinterpret_cast<Shared*>(ptx::dynamic_shared_memory());
  if (threadIdx.x == 0) {
    for (int s = 0; s < kSlabs; ++s) {
      ptx::mbarrier_init(&shared.full[s], 1);
      ptx::mbarrier_init(&shared.empty[s], kConsumers * kWarpgroup / 32);
    }
    ptx::fence_proxy_async();
  }
  __syncthreads();
  // 65536 registers, of which the sums take half.
  if (threadIdx.x < kWarpgroup) {
    ptx::setmaxnreg_dec<40>();
    if (threadIdx.x == 0) bring_slabs<Element>(left, right, shape, shared);
  } else {
    ptx::setmaxnreg_inc<232>();
    multiply_slabs<Element>(shape, shared, static_cast<int>(threadIdx.x) / kWarpgroup - 1, out,
                            in_pairs);
  }
}

int attribute(cudaDeviceAttr which, Device device) {
  int value = 0;
  check_status(cudaDeviceGetAttribute(&value, which, device.index), kOp);
  return value;
}

/// Tensors as matmul has them: strides of the last dimension but `from_end`, and its extent.
std::int64_t stride(const Tensor& t, int from_end) { return t.strides()[t.rank() - 1 - from_end]; }
int extent(const Tensor& t, int from_end) { return narrow(kOp, t.size(t.rank() - 1 - from_end)); }

template <class Element>
CUtensorMap tiles_of(const Packed<Element>& packed, int box_lines) {
  constexpr bool kIsBFloat16 = std::is_same_v<Element, BFloat16>;
  return tensor_map(kOp, {.type = kIsBFloat16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                              : CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
                          .data = packed.words.data(),
                          .lines = packed.lines,
                          .depth = packed.depth,
                          .pitch_bytes = packed.pitch * 4,
                          .box_lines = static_cast<unsigned>(box_lines),
                          .box_depth = kSlabBytes / 4 * Element::kPerWord});
}

template <class Element>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  constexpr int kSlabDepth = kSlabBytes / 4 * Element::kPerWord;
  const Device device = out.device();
  const int rows = extent(a, 1), depth = extent(a, 0), columns = extent(b, 0);
  const auto left =
      pack<Element>(kOp, device, {a.data<float>(), rows, depth, stride(a, 1), stride(a, 0)});
  const auto right =
      pack<Element>(kOp, device, {b.data<float>(), columns, depth, stride(b, 0), stride(b, 1)});
  const ProductShape shape{rows, columns, (depth - 1) / kSlabDepth + 1};
  const bool in_pairs =
      columns % 2 == 0 && reinterpret_cast<std::uintptr_t>(out.data<float>()) % 8 == 0;
  const unsigned blocks = std::min(
      static_cast<unsigned>(attribute(cudaDevAttrMultiProcessorCount, device)), shape.tiles());
  launch_with_shared_memory(kOp, device, warpgroup_product_kernel<Element>, blocks, kBlockThreads,
                            sizeof(Shared), tiles_of(left, kTileRows),
                            tiles_of(right, kTileColumns), shape, out.data<float>(), in_pairs);
}

/// Whether it takes less time than tensor_core_product, by what an H200's datasheet says and by
/// guesses at how much of that either reaches. Nothing of it has been measured.
bool pays(double rows, double columns, double depth, ProductPrecision precision) {
  const bool is_bf16 = precision == ProductPrecision::BFloat16;
  constexpr double kMultiprocessors = 132, kBytesPerSecond = 4.8e12, kLaunches = 5e-6;
  const double most = is_bf16 ? 990e12 : 495e12;  // operations a second
  const double fast = 0.75 * most, slow = 0.45 * most;
  const double tiles = std::ceil(rows / kTileRows) * std::ceil(columns / kTileColumns);
  const double computed =
      std::ceil(tiles / kMultiprocessors) * kMultiprocessors * kTileRows * kTileColumns;
  const double packed_bytes = (rows + columns) * depth * (is_bf16 ? 4 + 2 : 4 + 4);
  const double seconds = 2 * computed * depth / fast + packed_bytes / kBytesPerSecond + kLaunches;
  return seconds < 2 * rows * columns * depth / slow;
}

}  // namespace

bool has_warpgroup_product(Device device) {
  return device.type == DeviceType::CUDA &&
         attribute(cudaDevAttrComputeCapabilityMajor, device) == 9 &&
         attribute(cudaDevAttrComputeCapabilityMinor, device) == 0;
}

bool takes_warpgroup_product(const Tensor& a, const Tensor& b, const Tensor& out) {
  const ProductPrecision precision = product_precision();
  const std::int64_t rows = a.size(-2), columns = b.size(-1), depth = a.size(-1);
  return out.dtype() == DType::Float32 && precision != ProductPrecision::Float32 &&
         out.numel() == rows * columns &&
         pays(static_cast<double>(rows), static_cast<double>(columns), static_cast<double>(depth),
              precision) &&
         has_warpgroup_product(out.device());
}

void warpgroup_product(const Tensor& a, const Tensor& b, const Tensor& out) {
  if (product_precision() == ProductPrecision::BFloat16)
    multiply<BFloat16>(a, b, out);
  else
    multiply<TensorFloat32>(a, b, out);
}

}  // namespace rho::kernels::cuda
