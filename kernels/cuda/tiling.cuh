// What the kernels of products share: out(i, j) = sum over k of left(i, k) right(j, k), where an
// operand says itself where its elements are, so matmul and the three convolutions are the same
// product, and no matrix of patches is ever built. A block computes one tile of the output: it
// brings slabs of both operands to shared memory, the next one under way while this one is
// multiplied. Where the tiles are too few to fill a device, the sum is cut into slices by the shape
// alone, and the slices are added up in their order.
//
// Memory is read and written in vectors of 16 bytes where the extents and addresses allow it, and
// else one element at a time: kWidth below.
//
// A Problem has
// - items, and item(n), which is a product of its own,
// - if it likes, a type FewRows: its tiles may have few rows, and its sums are long.
// A product has
// - rows, columns and depth: extents (see narrow), the same of every item,
// - left and right: operands,
// - place(i, j), where the result goes: neighbours in j are neighbours there,
// - if it likes, finish(for_each): what becomes of a thread's sums before they are stored. for_each
//   calls what it is given with i, j and a Vector<T, n>& of the sums at (i, j) and its neighbours,
//   n <= kWidth.
// An operand has
// - kAlongDepth: whether neighbours in k, rather than in i, are neighbours in memory,
// - Line line(i) and Step step(k): what the elements of one i, and those of one k, have in common,
// - Vector<T, kWidth> at<kWidth>(line, step): the element and its neighbours; 0 in the padding.
// A tile has
// - kRows, kColumns, and kDepth, of a slab.
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

/// How the tiles of one launch are numbered: item by item, slice by slice, row by row.
struct Tiling {
  std::int64_t row_tiles, column_tiles;
  std::int64_t slices, per_slice;  ///< of the depth
};

template <class Problem>
inline constexpr bool kHasFewRows = requires {
  typename Problem::FewRows;
};

/// What a block computes.
struct BlockTile {
  std::int64_t item, slice;
  int row, column;  ///< of the tile's first element
  int first, end;   ///< of the slice's depth
};
template <class TileShape>
__device__ BlockTile tile_of(std::int64_t block, const Tiling& tiling, int depth) {
  const std::int64_t tiles = tiling.row_tiles * tiling.column_tiles;
  const std::int64_t tile = block % tiles, slice = block / tiles % tiling.slices;
  return {block / (tiles * tiling.slices),
          slice,
          static_cast<int>(tile / tiling.column_tiles) * TileShape::kRows,
          static_cast<int>(tile % tiling.column_tiles) * TileShape::kColumns,
          static_cast<int>(slice * tiling.per_slice),
          static_cast<int>(std::min((slice + 1) * tiling.per_slice, std::int64_t{depth}))};
}

/// Calls multiply(slab of left, slab of right) for every slab of a block's depth. Left and Right
/// bring theirs from memory to registers (load), and from there to shared memory (store).
template <int kDepth, class Left, class Right, class Multiply>
__device__ void for_each_slab(const BlockTile& tile, Left& from_left, Right& from_right,
                              typename Left::Shared (&left)[2], typename Right::Shared (&right)[2],
                              const Multiply& multiply) {
  if (tile.first < tile.end) {
    from_left.load(tile.first, tile.end);
    from_right.load(tile.first, tile.end);
  }
  int buffer = 0;
  for (int k = tile.first; k < tile.end; k += kDepth) {
    from_left.store(left[buffer]);
    from_right.store(right[buffer]);
    // One barrier is enough: the other buffer was last read before it.
    __syncthreads();
    if (k + kDepth < tile.end) {
      from_left.load(k + kDepth, tile.end);
      from_right.load(k + kDepth, tile.end);
    }
    multiply(left[buffer], right[buffer]);
    buffer ^= 1;
  }
}

/// Stores the results of a product, given for_each of the sums that they are made of.
template <class Product, class ForEach>
__device__ void store_results(const Product& product, const ForEach& for_each) {
  if constexpr (requires { product.finish(for_each); }) product.finish(for_each);
  for_each([&](int i, int j, const auto& sums) { write(product.place(i, j), sums); });
}

/// Stores a thread's sums: the results, or a slice's part of them. for_each is that of its sums in
/// the product, which are in registers.
template <class Product, class T, class ForEach>
__device__ void store_sums(const Product& product, const Tiling& tiling, const BlockTile& tile,
                           T* partial, const ForEach& for_each) {
  if (tiling.slices == 1) return store_results(product, for_each);
  T* const slice = partial + (tile.item * tiling.slices + tile.slice) *
                                 (std::int64_t{product.rows} * product.columns);
  for_each([&](int i, int j, const auto& sums) {
    write(slice + std::int64_t{i} * product.columns + j, sums);
  });
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
    Vector<T, 1> sum{static_cast<T>(sums.value[0])};
    store_results(product, [&](const auto& visit) { visit(i, j, sum); });
  }
};

/// Solves a problem with `kernel`, a block a tile of each slice.
template <class TileShape, class T, class Problem>
void solve_in_tiles(std::string_view op, Device device, const Problem& problem,
                    void (*kernel)(Problem, Tiling, T*)) {
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
  launch(op, device, kernel, static_cast<unsigned>(tiles * tiling.slices), kThreads, problem,
         tiling, partial.data());
  if (tiling.slices > 1)
    reduce<Sums<1>>(op, device, problem.items, tiling.slices, extent,
                    AddSlices<T>{partial.data(), tiling.slices, extent},
                    StoreProduct<T, Problem>{problem});
}

/// solve(std::type_identity<TileShape>) with the first tile that leaves a block for every
/// multiprocessor of a large device, or the last one.
template <class TileShape, class... Smaller, class Problem, class Solve>
void with_tile(const Problem& problem, const Solve& solve) {
  if constexpr (sizeof...(Smaller) > 0) {
    constexpr std::int64_t kMultiprocessors = 132, kArea = TileShape::kRows * TileShape::kColumns;
    const auto product = problem.item(0);
    if (problem.items * product.rows * product.columns < kMultiprocessors * kArea)
      return with_tile<Smaller...>(problem, solve);
  }
  solve(std::type_identity<TileShape>{});
}

}  // namespace rho::kernels::cuda
