// The product that matmul and the three convolutions are made of: out(i, j) = sum over k of
// left(i, k) right(j, k), where an operand says itself where its elements are, so no matrix of
// patches is ever built. A block computes one tile of the output: it brings slabs of both operands
// to shared memory, the next one under way while this one is multiplied, and each thread keeps a
// small tile in registers. Where the tiles are too few to fill a device, the sum is cut into slices
// by the shape alone, and the slices are added up in their order.
//
// A Problem has
// - rows, columns, depth and items: extents; each item is a product of its own,
// - left and right: operands,
// - select(item), which moves to an item, and store(i, j, value).
// An operand has
// - kAlongDepth: whether neighbours in k, rather than in i, are neighbours in memory,
// - Line line(i) and Step step(k): what the elements of one i, and those of one k, have in common,
// - T at(line, step): the element; 0 in the padding.
#pragma once

#include <algorithm>

#include "kernels/cuda/reduction.cuh"

namespace rho::kernels::cuda {

/// The operand that is an array: line i begins per_line after the one before, and its elements are
/// per_step apart.
template <class T, bool kDense>
struct Strided {
  static constexpr bool kAlongDepth = kDense;
  using Line = const T*;
  using Step = std::int64_t;

  const T* data;
  std::int64_t per_line, per_step;

  __device__ Line line(std::int64_t i) const { return data + i * per_line; }
  __device__ Step step(std::int64_t k) const { return k * per_step; }
  __device__ T at(Line line, Step step) const { return line[step]; }
};

/// Rows and columns of a block's tile. Its 256 threads are 16 x 16.
template <int kTileRows, int kTileColumns>
struct Tile {
  static constexpr int kSide = 16, kDepth = 16;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr int kThreadRows = kRows / kSide, kThreadColumns = kColumns / kSide;
};

/// Elements that are loaded from shared memory at once.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Vector {
  T value[kCount];
};

/// One operand's share of a slab, on its way through the registers of a thread.
template <class T, class Operand, int kExtent, int kDepth>
class Slab {
 public:
  // Padded: threads that store a column of neighbours in k would meet in one bank.
  static constexpr int kPitch = kExtent + 16 / static_cast<int>(sizeof(T));
  using Shared = T[kDepth][kPitch];

  __device__ Slab(const Operand& operand, std::int64_t first, std::int64_t extent)
      : operand_(operand) {
    for (int n = 0; n < kLines; ++n) {
      const std::int64_t i = first + line_of(n);
      inside_[n] = i < extent;
      lines_[n] = operand.line(inside_[n] ? i : 0);
    }
  }

  /// From memory to registers: elements k, k + 1, ... below end.
  __device__ void load(std::int64_t k, std::int64_t end) {
    for (int s = 0; s < kSteps; ++s) {
      const std::int64_t at = k + step_of(s);
      const bool is_valid = at < end;
      const auto step = operand_.step(is_valid ? at : 0);
      for (int n = 0; n < kLines; ++n)
        values_[s * kLines + n] = is_valid && inside_[n] ? operand_.at(lines_[n], step) : T{0};
    }
  }
  __device__ void store(Shared& shared) const {
    for (int s = 0; s < kSteps; ++s)
      for (int n = 0; n < kLines; ++n) shared[step_of(s)][line_of(n)] = values_[s * kLines + n];
  }

 private:
  // Threads next to each other load what is next to each other.
  static constexpr int kAcross = Operand::kAlongDepth ? kDepth : kExtent;
  static constexpr int kPassed = static_cast<int>(kThreads) / kAcross;
  static constexpr int kLines = Operand::kAlongDepth ? kExtent / kPassed : 1;
  static constexpr int kSteps = Operand::kAlongDepth ? 1 : kDepth / kPassed;
  static_assert(kLines * kSteps * static_cast<int>(kThreads) == kExtent * kDepth);

  __device__ static int line_of(int n) {
    const int thread = static_cast<int>(threadIdx.x);
    return Operand::kAlongDepth ? thread / kAcross + n * kPassed : thread % kAcross;
  }
  __device__ static int step_of(int s) {
    const int thread = static_cast<int>(threadIdx.x);
    return Operand::kAlongDepth ? thread % kAcross : thread / kAcross + s * kPassed;
  }

  const Operand& operand_;
  typename Operand::Line lines_[kLines];
  bool inside_[kLines];
  T values_[kLines * kSteps];
};

/// A thread's kCount of the 16 kCount elements of a row of a slab: in groups that one instruction
/// loads, with the groups of neighbouring threads next to each other.
template <class T, int kCount>
struct Share {
  static constexpr int kWidest = 16 / static_cast<int>(sizeof(T));  // 16 bytes
  static constexpr int kGroup = kCount < kWidest ? kCount : kWidest;

  __device__ static int index(int thread, int n) {
    return n / kGroup * (16 * kGroup) + thread * kGroup + n % kGroup;
  }
  __device__ static void load(const T* row, int thread, T (&out)[kCount]) {
    for (int n = 0; n < kCount; n += kGroup) {
      const auto group = *reinterpret_cast<const Vector<T, kGroup>*>(row + index(thread, n));
      for (int e = 0; e < kGroup; ++e) out[n + e] = group.value[e];
    }
  }
};

/// How the tiles of one launch are numbered: item by item, slice by slice, row by row.
struct Tiling {
  std::int64_t row_tiles, column_tiles;
  std::int64_t slices, per_slice;  ///< of the depth
};

template <class T, class TileShape, class Problem>
__global__ void __launch_bounds__(kThreads)
    tile_product_kernel(Problem problem, Tiling tiling, T* partial) {
  using Left = Slab<T, decltype(problem.left), TileShape::kRows, TileShape::kDepth>;
  using Right = Slab<T, decltype(problem.right), TileShape::kColumns, TileShape::kDepth>;
  constexpr int kRows = TileShape::kThreadRows, kColumns = TileShape::kThreadColumns;
  alignas(16) __shared__ typename Left::Shared left[2];
  alignas(16) __shared__ typename Right::Shared right[2];

  const std::int64_t block = blockIdx.x, tiles = tiling.row_tiles * tiling.column_tiles;
  const std::int64_t tile = block % tiles, slice = block / tiles % tiling.slices,
                     item = block / (tiles * tiling.slices);
  const std::int64_t row = tile / tiling.column_tiles * TileShape::kRows,
                     column = tile % tiling.column_tiles * TileShape::kColumns;
  const int across = static_cast<int>(threadIdx.x) % TileShape::kSide,
            down = static_cast<int>(threadIdx.x) / TileShape::kSide;
  problem.select(item);

  T sums[kRows][kColumns] = {};
  const std::int64_t first = slice * tiling.per_slice,
                     end = std::min(first + tiling.per_slice, problem.depth);
  Left from_left(problem.left, row, problem.rows);
  Right from_right(problem.right, column, problem.columns);
  if (first < end) {
    from_left.load(first, end);
    from_right.load(first, end);
  }
  int buffer = 0;
  for (std::int64_t k = first; k < end; k += TileShape::kDepth) {
    from_left.store(left[buffer]);
    from_right.store(right[buffer]);
    // One barrier is enough: the other buffer was last read before it.
    __syncthreads();
    if (k + TileShape::kDepth < end) {
      from_left.load(k + TileShape::kDepth, end);
      from_right.load(k + TileShape::kDepth, end);
    }
    for (int d = 0; d < TileShape::kDepth; ++d) {
      T a[kRows], b[kColumns];
      Share<T, kRows>::load(left[buffer][d], down, a);
      Share<T, kColumns>::load(right[buffer][d], across, b);
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kColumns; ++j) sums[i][j] += a[i] * b[j];
    }
    buffer ^= 1;
  }

  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; ++j) {
      const std::int64_t r = row + Share<T, kRows>::index(down, i),
                         c = column + Share<T, kColumns>::index(across, j);
      if (r >= problem.rows || c >= problem.columns) continue;
      if (tiling.slices == 1)
        problem.store(r, c, sums[i][j]);
      else
        partial[((item * tiling.slices + slice) * problem.rows + r) * problem.columns + c] =
            sums[i][j];
    }
}

// The slices of a product [items, slices, rows columns], summed.
template <class T>
struct AddSlices {
  const T* partial;
  std::int64_t slices, extent;

  struct Element {
    const T* partial;
    std::int64_t step;
    __device__ void operator()(std::int64_t slice, Sums<1>& sums) const {
      sums.value[0] += static_cast<double>(partial[slice * step]);
    }
  };
  __device__ Element column(std::int64_t item, std::int64_t at) const {
    return {partial + item * slices * extent + at, extent};
  }
};
template <class T, class Problem>
struct StoreProduct {
  Problem problem;
  __device__ void operator()(std::int64_t item, std::int64_t at, const Sums<1>& sums) const {
    Problem one = problem;
    one.select(item);
    one.store(at / one.columns, at % one.columns, static_cast<T>(sums.value[0]));
  }
};

template <class T, class TileShape, class Problem>
void tile_product_of(std::string_view op, Device device, const Problem& problem) {
  // Two blocks for every multiprocessor of a large device; and slabs enough to be worth a slice.
  constexpr std::int64_t kBlocks = 264, kSlabs = 16;
  const auto parts = [](std::int64_t extent, std::int64_t part) {
    return (extent + part - 1) / part;
  };
  Tiling tiling{parts(problem.rows, TileShape::kRows), parts(problem.columns, TileShape::kColumns),
                1, problem.depth};
  const std::int64_t tiles = problem.items * tiling.row_tiles * tiling.column_tiles;
  const std::int64_t slabs = parts(problem.depth, TileShape::kDepth);
  const std::int64_t slices =
      std::clamp<std::int64_t>(std::min(kBlocks / tiles, slabs / kSlabs), 1, slabs > 0 ? slabs : 1);
  if (slices > 1) {
    tiling.per_slice = parts(slabs, slices) * TileShape::kDepth;
    tiling.slices = parts(problem.depth, tiling.per_slice);
  }
  const std::int64_t extent = problem.rows * problem.columns;
  const Buffer<T> partial(tiling.slices > 1 ? problem.items * tiling.slices * extent : 0, device);
  launch(op, device, tile_product_kernel<T, TileShape, Problem>,
         static_cast<unsigned>(tiles * tiling.slices), kThreads, problem, tiling, partial.data());
  if (tiling.slices > 1)
    reduce<Sums<1>>(op, device, problem.items, tiling.slices, extent,
                    AddSlices<T>{partial.data(), tiling.slices, extent},
                    StoreProduct<T, Problem>{problem});
}

/// Solves a Problem of element type T on `device`.
template <class T, class Problem>
void tile_product(std::string_view op, Device device, const Problem& problem) {
  if (problem.items * problem.rows * problem.columns == 0) return;
  if (problem.columns <= 32) return tile_product_of<T, Tile<128, 32>>(op, device, problem);
  // In double, the largest slabs would not fit in shared memory.
  if constexpr (sizeof(T) == 4) {
    const bool is_large = problem.items * problem.rows * problem.columns >= 128 * 128 * 132;
    if (is_large && problem.rows > 64 && problem.columns > 64)
      return tile_product_of<T, Tile<128, 128>>(op, device, problem);
  }
  tile_product_of<T, Tile<64, 64>>(op, device, problem);
}

}  // namespace rho::kernels::cuda
