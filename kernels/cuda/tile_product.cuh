// The product that matmul and the three convolutions are made of: out(i, j) = sum over k of
// left(i, k) right(j, k), where an operand says itself where its elements are, so no matrix of
// patches is ever built. A block computes one tile of the output: it brings slabs of both operands
// to shared memory, the next one under way while this one is multiplied, and each thread keeps a
// small tile in registers. Where the tiles are too few to fill a device, the sum is cut into slices
// by the shape alone, and the slices are added up in their order.
//
// Memory is read and written in vectors of 16 bytes where the extents and addresses allow it, and
// else one element at a time: kWidth below.
//
// A Problem has
// - items, and item(n), which is a product of its own.
// A product has
// - rows, columns and depth: extents (see narrow), the same of every item,
// - left and right: operands,
// - place(i, j), where the result goes: neighbours in j are neighbours there,
// - if it likes, finish(i, j, values): what is stored there of Vector<T, kWidth> values.
// An operand has
// - kAlongDepth: whether neighbours in k, rather than in i, are neighbours in memory,
// - Line line(i) and Step step(k): what the elements of one i, and those of one k, have in common,
// - Vector<T, kWidth> at<kWidth>(line, step): the element and its neighbours; 0 in the padding.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cuda/reduction.cuh"
#include "kernels/cuda/vector.cuh"

namespace rho::kernels::cuda {

/// An extent of a product, which kernels count in 32 bits: with what a tile may go beyond it.
inline int narrow(std::string_view op, std::int64_t extent) {
  constexpr std::int64_t kMost = INT32_MAX - 256;
  check(extent <= kMost, op, "has an extent of ", extent, ", expected at most ", kMost,
        " on a CUDA device");
  return static_cast<int>(extent);
}

/// The operand that is an array: line i begins per_line after the one before, and its elements are
/// per_step apart, which is 1 where kDense.
template <class T, bool kDense>
struct Strided {
  static constexpr bool kAlongDepth = kDense;
  using Line = const T*;
  using Step = std::int64_t;

  const T* data;
  std::int64_t per_line, per_step;

  __device__ Line line(int i) const { return data + i * per_line; }
  __device__ Step step(int k) const { return kDense ? k : k * per_step; }
  template <int kWidth>
  __device__ Vector<T, kWidth> at(Line line, Step step) const {
    return read<kWidth>(line + step);
  }
};

/// Rows and columns of a block's tile, and how much of the depth it takes at once; its 256 threads
/// are kThreadsDown x kThreadsAcross. A multiprocessor has at least two blocks at a time.
template <int kTileRows, int kTileColumns, int kTileDepth, int kAcross>
struct Tile {
  static constexpr int kRows = kTileRows, kColumns = kTileColumns, kDepth = kTileDepth;
  static constexpr int kThreadsAcross = kAcross;
  static constexpr int kThreadsDown = static_cast<int>(kThreads) / kAcross;
  static constexpr int kThreadRows = kRows / kThreadsDown;
  static constexpr int kThreadColumns = kColumns / kThreadsAcross;

  // A warp's 32 threads are 4 x 8, or as near as that goes: what they read of a slab is in few
  // places.
  static constexpr int kLanesAcross = kThreadsAcross < 8 ? kThreadsAcross : 8;
  static constexpr int kLanesDown = 32 / kLanesAcross;
  static constexpr int kWarpsAcross = kThreadsAcross / kLanesAcross;
  __device__ static int across() {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    return warp % kWarpsAcross * kLanesAcross + lane % kLanesAcross;
  }
  __device__ static int down() {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    return warp / kWarpsAcross * kLanesDown + lane / kLanesAcross;
  }
};

/// One operand's share of a slab, on its way through the registers of a thread.
template <class T, int kWidth, class Operand, int kExtent, int kDepth>
class Slab {
 public:
  // Padded: threads that store a column of neighbours in k would meet in one bank.
  static constexpr int kPitch = kExtent + kWidest<T>;
  using Shared = T[kDepth][kPitch];

  __device__ Slab(const Operand& operand, int first, int extent) : operand_(operand) {
    for (int n = 0; n < kLines; ++n) {
      const int i = first + line_of(n);
      inside_[n] = i < extent && takes_part();
      lines_[n] = operand.line(inside_[n] ? i : 0);
    }
  }

  /// From memory to registers: elements k, k + 1, ... below end.
  __device__ void load(int k, int end) {
    for (int s = 0; s < kSteps; ++s) {
      const int at = k + step_of(s);
      const bool is_valid = at < end;
      const auto step = operand_.step(is_valid ? at : 0);
      for (int n = 0; n < kLines; ++n)
        values_[s * kLines + n] = is_valid && inside_[n]
                                      ? operand_.template at<kWidth>(lines_[n], step)
                                      : Vector<T, kWidth>{};
    }
  }
  __device__ void store(Shared& shared) const {
    if (!takes_part()) return;
    for (int s = 0; s < kSteps; ++s)
      for (int n = 0; n < kLines; ++n) {
        const Vector<T, kWidth>& value = values_[s * kLines + n];
        if constexpr (Operand::kAlongDepth) {
          for (int e = 0; e < kWidth; ++e) shared[step_of(s) + e][line_of(n)] = value.value[e];
        } else {
          write<kWidth>(&shared[step_of(s)][line_of(n)], value);
        }
      }
  }

 private:
  // Threads next to each other load what is next to each other.
  static constexpr int kAcross = (Operand::kAlongDepth ? kDepth : kExtent) / kWidth;
  static constexpr int kPassed = static_cast<int>(kThreads) / kAcross;
  static constexpr int kOther = Operand::kAlongDepth ? kExtent : kDepth;
  static constexpr int kPasses = kOther > kPassed ? kOther / kPassed : 1;
  static constexpr int kLines = Operand::kAlongDepth ? kPasses : 1;
  static constexpr int kSteps = Operand::kAlongDepth ? 1 : kPasses;
  static_assert(kPassed * kPasses >= kOther && kOther % (kOther < kPassed ? kOther : kPassed) == 0);

  /// False for threads that a small slab leaves without a share.
  __device__ static bool takes_part() {
    return kOther >= kPassed || static_cast<int>(threadIdx.x) / kAcross < kOther;
  }
  __device__ static int line_of(int n) {
    const int thread = static_cast<int>(threadIdx.x);
    return Operand::kAlongDepth ? thread / kAcross + n * kPassed : thread % kAcross * kWidth;
  }
  __device__ static int step_of(int s) {
    const int thread = static_cast<int>(threadIdx.x);
    return Operand::kAlongDepth ? thread % kAcross * kWidth : thread / kAcross + s * kPassed;
  }

  const Operand& operand_;
  typename Operand::Line lines_[kLines];
  bool inside_[kLines];
  Vector<T, kWidth> values_[kLines * kSteps] = {};
};

/// A thread's kCount of the elements of a row of a slab, of which kSide threads have as many: in
/// groups that one instruction loads, with the groups of neighbouring threads next to each other.
template <class T, int kCount, int kSide>
struct Share {
  static constexpr int kGroup = kCount < kWidest<T> ? kCount : kWidest<T>;

  __device__ static int index(int thread, int n) {
    return n / kGroup * (kSide * kGroup) + thread * kGroup + n % kGroup;
  }
  __device__ static void load(const T* row, int thread, T (&out)[kCount]) {
    for (int n = 0; n < kCount; n += kGroup) {
      const auto group = read<kGroup>(row + index(thread, n));
      for (int e = 0; e < kGroup; ++e) out[n + e] = group.value[e];
    }
  }
};

/// What is stored of the sums at (i, j) and their neighbours.
template <class Product, class T, int kWidth>
__device__ Vector<T, kWidth> finished(const Product& product, int i, int j,
                                      const Vector<T, kWidth>& sums) {
  if constexpr (requires { product.finish(i, j, sums); })
    return product.finish(i, j, sums);
  else
    return sums;
}

/// How the tiles of one launch are numbered: item by item, slice by slice, row by row.
struct Tiling {
  std::int64_t row_tiles, column_tiles;
  std::int64_t slices, per_slice;  ///< of the depth
};

template <class T, int kWidth, class TileShape, class Problem>
__global__ void __launch_bounds__(kThreads, 2)
    tile_product_kernel(const Problem problem, Tiling tiling, T* partial) {
  using Product = decltype(problem.item(0));
  using Left = Slab<T, kWidth, decltype(Product::left), TileShape::kRows, TileShape::kDepth>;
  using Right = Slab<T, kWidth, decltype(Product::right), TileShape::kColumns, TileShape::kDepth>;
  constexpr int kRows = TileShape::kThreadRows, kColumns = TileShape::kThreadColumns;
  using ShareOfLeft = Share<T, kRows, TileShape::kThreadsDown>;
  using ShareOfRight = Share<T, kColumns, TileShape::kThreadsAcross>;
  alignas(16) __shared__ typename Left::Shared left[2];
  alignas(16) __shared__ typename Right::Shared right[2];

  const std::int64_t block = blockIdx.x, tiles = tiling.row_tiles * tiling.column_tiles;
  const std::int64_t tile = block % tiles, slice = block / tiles % tiling.slices,
                     item = block / (tiles * tiling.slices);
  const int row = static_cast<int>(tile / tiling.column_tiles) * TileShape::kRows,
            column = static_cast<int>(tile % tiling.column_tiles) * TileShape::kColumns;
  const int across = TileShape::across(), down = TileShape::down();
  const Product product = problem.item(item);

  T sums[kRows][kColumns] = {};
  const int first = static_cast<int>(slice * tiling.per_slice),
            end = static_cast<int>(
                std::min((slice + 1) * tiling.per_slice, std::int64_t{product.depth}));
  Left from_left(product.left, row, product.rows);
  Right from_right(product.right, column, product.columns);
  if (first < end) {
    from_left.load(first, end);
    from_right.load(first, end);
  }
  int buffer = 0;
  for (int k = first; k < end; k += TileShape::kDepth) {
    from_left.store(left[buffer]);
    from_right.store(right[buffer]);
    // One barrier is enough: the other buffer was last read before it.
    __syncthreads();
    if (k + TileShape::kDepth < end) {
      from_left.load(k + TileShape::kDepth, end);
      from_right.load(k + TileShape::kDepth, end);
    }
#pragma unroll  // or the loads of one step would wait for the products of the one before
    for (int d = 0; d < TileShape::kDepth; ++d) {
      T a[kRows], b[kColumns];
      ShareOfLeft::load(left[buffer][d], down, a);
      ShareOfRight::load(right[buffer][d], across, b);
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kColumns; ++j) sums[i][j] += a[i] * b[j];
    }
    buffer ^= 1;
  }

  constexpr int kGroup = kWidth > 1 ? ShareOfRight::kGroup : 1;
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kColumns; j += kGroup) {
      const int r = row + ShareOfLeft::index(down, i), c = column + ShareOfRight::index(across, j);
      if (r >= product.rows || c >= product.columns) continue;
      Vector<T, kGroup> group;
      for (int e = 0; e < kGroup; ++e) group.value[e] = sums[i][j + e];
      if (tiling.slices == 1)
        write<kGroup>(product.place(r, c), finished(product, r, c, group));
      else
        write<kGroup>(
            partial + ((item * tiling.slices + slice) * product.rows + r) * product.columns + c,
            group);
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
    const auto product = problem.item(item);
    const int i = static_cast<int>(at / product.columns),
              j = static_cast<int>(at % product.columns);
    const Vector<T, 1> sum{static_cast<T>(sums.value[0])};
    write<1>(product.place(i, j), finished(product, i, j, sum));
  }
};

template <class T, int kWidth, class TileShape, class Problem>
void tile_product_of(std::string_view op, Device device, const Problem& problem) {
  const auto product = problem.item(0);
  // Two blocks for every multiprocessor of a large device; and slabs enough to be worth a slice.
  constexpr std::int64_t kBlocks = 264, kSlabs = 16;
  const auto parts = [](std::int64_t extent, std::int64_t part) {
    return (extent + part - 1) / part;
  };
  Tiling tiling{parts(product.rows, TileShape::kRows), parts(product.columns, TileShape::kColumns),
                1, product.depth};
  const std::int64_t tiles = problem.items * tiling.row_tiles * tiling.column_tiles;
  const std::int64_t slabs = parts(product.depth, TileShape::kDepth);
  const std::int64_t slices =
      std::clamp<std::int64_t>(std::min(kBlocks / tiles, slabs / kSlabs), 1, slabs > 0 ? slabs : 1);
  if (slices > 1) {
    tiling.per_slice = parts(slabs, slices) * TileShape::kDepth;
    tiling.slices = parts(product.depth, tiling.per_slice);
  }
  const std::int64_t extent = std::int64_t{product.rows} * product.columns;
  const Buffer<T> partial(tiling.slices > 1 ? problem.items * tiling.slices * extent : 0, device);
  launch(op, device, tile_product_kernel<T, kWidth, TileShape, Problem>,
         static_cast<unsigned>(tiles * tiling.slices), kThreads, problem, tiling, partial.data());
  if (tiling.slices > 1)
    reduce<Sums<1>>(op, device, problem.items, tiling.slices, extent,
                    AddSlices<T>{partial.data(), tiling.slices, extent},
                    StoreProduct<T, Problem>{problem});
}

/// The largest tile that leaves a block for every multiprocessor of a large device, or the
/// smallest.
template <class T, int kWidth, class Smallest, class... Larger, class Problem>
void tile_product_of_first(std::string_view op, Device device, const Problem& problem) {
  constexpr std::int64_t kMultiprocessors = 132;
  const auto product = problem.item(0);
  bool done = false;
  const auto try_tile = [&]<class TileShape>(std::type_identity<TileShape>) {
    constexpr std::int64_t kArea = TileShape::kRows * TileShape::kColumns;
    if (done || problem.items * product.rows * product.columns < kMultiprocessors * kArea) return;
    done = true;
    tile_product_of<T, kWidth, TileShape>(op, device, problem);
  };
  (try_tile(std::type_identity<Larger>{}), ...);
  if (!done) tile_product_of<T, kWidth, Smallest>(op, device, problem);
}

template <class T, int kWidth, class Problem>
void tile_product_of_width(std::string_view op, Device device, const Problem& problem) {
  using Narrowest = Tile<128, 16, 16, 4>;
  using Narrow = Tile<128, 32, 16, 8>;
  using Square = Tile<64, 64, 16, 16>;
  const int columns = problem.item(0).columns;
  // Larger ones would fit in double neither in shared memory nor, as 64 sums, in registers.
  if constexpr (sizeof(T) == 8) {
    if (columns <= 16)
      tile_product_of<T, kWidth, Narrowest>(op, device, problem);
    else if (columns <= 32)
      tile_product_of<T, kWidth, Narrow>(op, device, problem);
    else
      tile_product_of<T, kWidth, Square>(op, device, problem);
  } else {
    if (columns <= 16)
      tile_product_of_first<T, kWidth, Narrowest, Tile<256, 16, 16, 4>>(op, device, problem);
    else if (columns <= 32)
      tile_product_of_first<T, kWidth, Narrow, Tile<256, 32, 16, 8>>(op, device, problem);
    else if (columns <= 64)
      tile_product_of_first<T, kWidth, Square, Tile<128, 64, 16, 16>>(op, device, problem);
    else
      tile_product_of_first<T, kWidth, Square, Tile<128, 128, 8, 16>>(op, device, problem);
  }
}

/// Solves a Problem of element type T on `device`. `in_vectors` says that every kWidest<T> elements
/// of an operand, from one that is a multiple of that on, lie next to each other in 16 bytes, or
/// are all in the padding; and those of the result in a row.
template <class T, class Problem>
void tile_product(std::string_view op, Device device, const Problem& problem, bool in_vectors) {
  const auto product = problem.item(0);
  if (problem.items * product.rows * product.columns == 0) return;
  if (in_vectors)
    tile_product_of_width<T, kWidest<T>>(op, device, problem);
  else
    tile_product_of_width<T, 1>(op, device, problem);
}

}  // namespace rho::kernels::cuda
