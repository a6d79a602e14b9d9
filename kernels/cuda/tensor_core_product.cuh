// Products of float32 on tensor cores (tiling.cuh says what a product is): operands are rounded on
// their way to shared memory, sums are in float32. Each warp of a block has a part of its tile, in
// fragments of 16 x 8 sums.
#pragma once

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/runtime/tensor_cores.cuh"
#include "kernels/cuda/tiling.cuh"

namespace rho::kernels::cuda {

/// Words of a line of a slab: those of two instructions.
inline constexpr int kSlabWords = 16;

/// Where a word of a line is in a slab. Two lines fill the 32 banks, in 8 chunks of 16 bytes, whose
/// order differs from pair to pair, so that neither meets in a bank:
/// - the chunks of 8 neighbouring lines, which load_matrices reads at once,
/// - what lanes write at once: words of two lines, or of one chunk of 8 neighbours, or of one chunk
///   of every fourth line.
__device__ inline int place_in_slab(int line, int word) {
  const auto l = static_cast<unsigned>(line), w = static_cast<unsigned>(word);
  const unsigned chunk = (l % 2 * 4 + w / 4) ^ (l / 2 % 4) ^ (l / 8 % 2) ^ (l / 16 % 2 * 4);
  return static_cast<int>(l / 2 * (2 * kSlabWords) + chunk * 4 + w % 4);
}

/// One operand's share of a slab, on its way through the registers of a thread: pieces of kLines
/// lines, kSteps long.
template <class Element, int kWidth, class Operand, int kExtent>
class RoundedSlab {
 public:
  using Shared = std::uint32_t[kExtent * kSlabWords];

  __device__ RoundedSlab(const Operand& operand, int first, int extent) : operand_(operand) {
    for (int n = 0; n < kPieces; ++n) {
      const int i = first + line_of(n);
      inside_[n] = i < extent && takes_part();
      lines_[n] = operand.line(inside_[n] ? i : 0);
    }
  }

  /// From memory to registers: elements k, k + 1, ... below end.
  __device__ void load(int k, int end) {
    for (int v = 0; v < kVectors; ++v) {
      const int at = k + first_step() + v * kVectorSteps;
      const bool is_valid = at < end;
      const auto step = operand_.step(is_valid ? at : 0);
      for (int n = 0; n < kPieces; ++n)
        values_[n][v] = is_valid && inside_[n] ? operand_.template at<kWidth>(lines_[n], step)
                                               : Vector<float, kWidth>{};
    }
  }
  __device__ void store(Shared& shared) const {
    if (!takes_part()) return;
    for (int n = 0; n < kPieces; ++n)
      for (int line = 0; line < kLines; ++line) {
        Vector<std::uint32_t, kWords> words;
        for (int w = 0; w < kWords; ++w) {
          float elements[Element::kPerWord];
          for (int e = 0; e < Element::kPerWord; ++e)
            elements[e] = element(n, line, w * Element::kPerWord + e);
          words.value[w] = Element::word(elements);
        }
        write<kWords>(&shared[place_in_slab(line_of(n) + line, first_step() / Element::kPerWord)],
                      words);
      }
  }

 private:
  static constexpr bool kAlongDepth = Operand::kAlongDepth;
  static constexpr int kLines = kAlongDepth ? 1 : kWidth;
  static constexpr int kSteps = std::max(2 * Element::kPerWord, kAlongDepth ? kWidth : 1);
  static constexpr int kWords = kSteps / Element::kPerWord;
  static constexpr int kVectorSteps = kAlongDepth ? kWidth : 1;
  static constexpr int kVectors = kSteps / kVectorSteps;

  // Threads next to each other load what is next to each other: all of a line's depth, or pieces of
  // 8 neighbouring lines.
  static constexpr int kNear = kAlongDepth ? 1 : 8;
  static constexpr int kAcross = kSlabWords / kWords;
  static constexpr int kPassed = static_cast<int>(kThreads) / kAcross;  // pieces of lines, at once
  static constexpr int kPieces = kExtent / kLines > kPassed ? kExtent / kLines / kPassed : 1;

  __device__ static int thread() { return static_cast<int>(threadIdx.x); }
  __device__ static int piece() { return thread() / (kNear * kAcross) * kNear + thread() % kNear; }
  /// False for threads that a small slab leaves without a share.
  __device__ static bool takes_part() { return piece() * kLines < kExtent; }
  __device__ static int line_of(int n) { return (piece() + n * kPassed) * kLines; }
  __device__ static int first_step() { return thread() / kNear % kAcross * kSteps; }
  __device__ float element(int n, int line, int step) const {
    return kAlongDepth ? values_[n][step / kWidth].value[step % kWidth]
                       : values_[n][step].value[line];
  }

  const Operand& operand_;
  typename Operand::Line lines_[kPieces];
  bool inside_[kPieces];
  Vector<float, kWidth> values_[kPieces][kVectors] = {};
};

/// Rows and columns of a block's tile, which its 8 warps share kDown x kAcross. A multiprocessor
/// has kBlocks at a time, at least: as many as have registers enough.
template <class Element, int kTileRows, int kTileColumns, int kDown>
struct WarpTile {
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr int kDepth = kSlabWords * Element::kPerWord;
  static constexpr int kAcross = static_cast<int>(kThreads) / 32 / kDown;
  static constexpr int kWarpRows = kRows / kDown, kWarpColumns = kColumns / kAcross;
  static constexpr int kBlocks = kWarpRows * kWarpColumns < 64 * 32 ? 2 : 1;
  static_assert(kWarpRows % 16 == 0 && kWarpColumns % 8 == 0);
};

template <class Element, int kWidth, class TileShape, class Problem>
__global__ void __launch_bounds__(kThreads, TileShape::kBlocks)
    tensor_core_product_kernel(const Problem problem, Tiling tiling, float* partial) {
  using Product = decltype(problem.item(0));
  using Left = RoundedSlab<Element, kWidth, decltype(Product::left), TileShape::kRows>;
  using Right = RoundedSlab<Element, kWidth, decltype(Product::right), TileShape::kColumns>;
  constexpr int kDown = TileShape::kWarpRows / 16, kAcross = TileShape::kWarpColumns / 8;
  alignas(16) __shared__ typename Left::Shared left[2];
  alignas(16) __shared__ typename Right::Shared right[2];

  const BlockTile tile = tile_of<TileShape>(blockIdx.x, tiling, problem.item(0).depth);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int group = lane / 4, place = lane % 4;
  const int warp_row = warp / TileShape::kAcross * TileShape::kWarpRows,
            warp_column = warp % TileShape::kAcross * TileShape::kWarpColumns;
  const Product product = problem.item(tile.item);
  float sums[kDown][kAcross][4] = {};
  Left from_left(product.left, tile.row, product.rows);
  Right from_right(product.right, tile.column, product.columns);
  for_each_slab<TileShape::kDepth>(
      tile, from_left, from_right, left, right,
      [&](const typename Left::Shared& slab_of_left, const typename Right::Shared& slab_of_right) {
        const auto load = [&](const std::uint32_t* slab, int line, int word,
                              std::uint32_t(&words)[4]) {
          load_matrices(slab + place_in_slab(line + lane % 8, word), words);
        };
        // Four matrices are all of 8 columns, or 16 rows of an instruction's 8 words.
        std::uint32_t b[kAcross][4];
        for (int j = 0; j < kAcross; ++j)
          load(slab_of_right, warp_column + 8 * j, 4 * (lane / 8), b[j]);
        for (int i = 0; i < kDown; ++i)
          for (int w = 0; w < 2; ++w) {
            std::uint32_t a[4];
            load(slab_of_left, warp_row + 16 * i + lane / 8 % 2 * 8, 8 * w + 4 * (lane / 16), a);
            for (int j = 0; j < kAcross; ++j)
              Element::multiply_add(sums[i][j], a, {b[j][2 * w], b[j][2 * w + 1]});
          }
      });

  constexpr int kGroup = kWidth > 1 ? 2 : 1;
  store_sums(product, tiling, tile, partial, [&](const auto& visit) {
#pragma unroll  // or the sums would lie in memory for it
    for (int i = 0; i < kDown; ++i)
#pragma unroll
      for (int j = 0; j < kAcross; ++j)
#pragma unroll
        for (int s = 0; s < 4; s += kGroup) {
          const int r = tile.row + warp_row + 16 * i + s / 2 * 8 + group,
                    c = tile.column + warp_column + 8 * j + 2 * place + s % 2;
          if (r >= product.rows || c >= product.columns) continue;
          Vector<float, kGroup> neighbours;
          for (int e = 0; e < kGroup; ++e) neighbours.value[e] = sums[i][j][s + e];
          visit(r, c, neighbours);
          for (int e = 0; e < kGroup; ++e) sums[i][j][s + e] = neighbours.value[e];
        }
  });
}

/// Solves a Problem of float32 on `device`, its operands rounded to Element.
template <class Element, int kWidth, class Problem>
void tensor_core_product(std::string_view op, Device device, const Problem& problem) {
  const auto solve = [&]<class TileShape>(std::type_identity<TileShape>) {
    const auto kernel = tensor_core_product_kernel<Element, kWidth, TileShape, Problem>;
    expect_tensor_cores(op, device, kernel);
    solve_in_tiles<TileShape>(op, device, problem, kernel);
  };
  using Large = WarpTile<Element, 128, 128, 2>;
  using Square = WarpTile<Element, 64, 64, 4>;
  if constexpr (kHasFewRows<Problem>) {
    // 128 columns take no longer than 64: what takes time is to round.
    const auto product = problem.item(0);
    if (product.columns > 64 && product.rows <= 16)
      with_tile<WarpTile<Element, 16, 128, 1>>(problem, solve);
    else if (product.columns > 64 && product.rows <= 32)
      with_tile<WarpTile<Element, 32, 128, 2>>(problem, solve);
    else
      with_tile<Large, Square>(problem, solve);
  } else {
    if (problem.item(0).columns <= 32)
      with_tile<WarpTile<Element, 128, 32, 4>>(problem, solve);
    else
      with_tile<Large, Square>(problem, solve);
  }
}

}  // namespace rho::kernels::cuda
