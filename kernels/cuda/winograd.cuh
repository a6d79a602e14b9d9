// Winograd's algorithm as products (tiling.cuh), one for each of 36 frequencies: a block brings
// slabs of both operands from memory to registers, transforms them on their way to shared memory,
// and multiplies them there; what it has summed up is transformed back before it is stored. Nothing
// but the operands and the result is ever in memory.
//
// Rows and columns of a product are
//   y       tiles of y and its channels, summed over the channels of x
//   grad_x  tiles of x and its channels, summed over the channels of y
//   grad_w  channels of y and of x, summed over tiles: in slices, which are added up
//
// An operand has
// - kAlongDepth: whether neighbours in k, rather than in i, are neighbours in memory,
// - load(i, k, is_there, cells): a square of cells, zeros where it is not there,
// - Transform, of these cells to frequencies.
// A product has
// - State, which every thread begins with State::nothing(), and
//   finish(i, j, slice, frequencies, state), which stores what they become,
// - if the states are to meet (State is not NoState): conclude(j, state), of all rows of column j.
#pragma once

#include <type_traits>

#include "kernels/cuda/divider.cuh"
#include "kernels/cuda/epilogue.cuh"
#include "kernels/cuda/tiling.cuh"
#include "kernels/cuda/winograd.h"
#include "kernels/cuda/winograd_transforms.cuh"

namespace rho::kernels::cuda {

/// What a block computes of every frequency, and how much of the depth it takes at once.
struct WinogradBlock {
  static constexpr int kRows = 16, kColumns = 16, kDepth = 8;

  // Half a warp multiplies one frequency at a time, each thread 4 x 4 of it.
  static constexpr int kSide = 4, kHalf = 16;
  static constexpr int kThreads = 288, kPerThread = kWinogradFrequencies / (kThreads / kHalf);
  // A thread loads one square of one operand, or none.
  static constexpr int kSquares = kRows * kDepth;
  static_assert(kRows == kColumns && kRows == kSide * kSide && 2 * kSquares <= kThreads);
  static_assert(kPerThread * (kThreads / kHalf) == kWinogradFrequencies);

  // Padded: threads that store neighbours in k would meet in one bank, and so would the halves of a
  // warp that read two neighbouring frequencies.
  static constexpr int kPitch = kRows + 4, kFrequency = kDepth * kPitch + 16,
                       kPair = 2 * kFrequency - 16;
  using Slab = float[kWinogradFrequencies / 2 * kPair];
  __device__ static int place(int frequency, int step) {
    return frequency / 2 * kPair + frequency % 2 * kFrequency + step * kPitch;
  }
};

/// One operand's share of a slab, on its way through the registers of a thread.
template <class Operand>
struct WinogradShare {
  using Of = WinogradBlock;

  /// Of square n of a slab. Where neighbours in n are lines, a warp has steps so far apart that
  /// they lie in different banks.
  __device__ static int line(int n) {
    return Operand::kAlongDepth ? n / Of::kDepth : n % Of::kRows;
  }
  __device__ static int step(int n) {
    return Operand::kAlongDepth ? n % Of::kDepth : n / 32 + n / Of::kRows % 2 * (Of::kDepth / 2);
  }

  __device__ static void store(const WinogradSquare& cells, int n, Of::Slab& slab) {
    WinogradSquare frequencies;
    transform_square<typename Operand::Transform>(cells, frequencies);
    float* const to = slab + step(n) * Of::kPitch + line(n);
#pragma unroll
    for (int f = 0; f < kWinogradFrequencies; ++f) to[Of::place(f, 0)] = frequencies[f];
  }
};

struct NoState {
  __host__ __device__ static NoState nothing() { return {}; }
};
template <class Product>
inline constexpr bool kStatesMeet = !std::is_same_v<typename Product::State, NoState>;

/// The states of a block's columns meet, and then those of all blocks of these columns, in an order
/// that the shape alone decides. `states` is shared memory, one for each thread; `partial` is
/// [row tiles, columns].
template <class Product, class State>
__device__ void let_states_meet(const Product& product, const Tiling& tiling, const BlockTile& tile,
                                const State& own, State* states, State* partial,
                                unsigned* arrived) {
  using Of = WinogradBlock;
  constexpr unsigned kLanes = Of::kRows, kStep = Of::kColumns;
  const auto thread = static_cast<int>(threadIdx.x), lane = thread / Of::kColumns,
             column = tile.column + thread % Of::kColumns;
  const bool has_column = column < product.columns, leads = lane == 0 && has_column;
  meet(states, own, threadIdx.x, kLanes, kStep);
  if (leads)
    partial[std::int64_t{tile.row / Of::kRows} * product.columns + column] = states[thread];
  if (!is_last(arrived[tile.column / Of::kColumns], static_cast<unsigned>(tiling.row_tiles)))
    return;
  State state = State::nothing();
  if (has_column && lane < Of::kRows)
    merge_every(state, partial + column, product.columns, lane, tiling.row_tiles, Of::kRows);
  meet(states, state, threadIdx.x, kLanes, kStep);
  if (leads) product.conclude(column, states[thread]);
}

template <class Product>
__global__ void __launch_bounds__(WinogradBlock::kThreads, 2)
    winograd_kernel(const Product product, Tiling tiling, typename Product::State* partial,
                    unsigned* arrived) {
  using Of = WinogradBlock;
  using State = typename Product::State;
  using Left = decltype(Product::left);
  using Right = decltype(Product::right);
  alignas(16) __shared__ float memory[2 * sizeof(Of::Slab) / sizeof(float)];
  auto& left = *reinterpret_cast<Of::Slab*>(memory);
  auto& right = *reinterpret_cast<Of::Slab*>(memory + sizeof(Of::Slab) / sizeof(float));

  const BlockTile tile = tile_of<Of>(blockIdx.x, tiling, product.depth);
  const int thread = static_cast<int>(threadIdx.x), square = thread % Of::kSquares;
  const bool loads_left = thread < Of::kSquares,
             loads_right = !loads_left && thread < 2 * Of::kSquares;
  WinogradSquare cells = {};
  const auto load = [&](int k) {
    if (loads_left) {
      const int i = tile.row + WinogradShare<Left>::line(square),
                step = k + WinogradShare<Left>::step(square);
      product.left.load(i, step, i < product.rows && step < tile.end, cells);
    } else if (loads_right) {
      const int j = tile.column + WinogradShare<Right>::line(square),
                step = k + WinogradShare<Right>::step(square);
      product.right.load(j, step, j < product.columns && step < tile.end, cells);
    }
  };
  const int half = thread / Of::kHalf, down = thread % Of::kHalf / Of::kSide * Of::kSide,
            across = thread % Of::kSide * Of::kSide;
  // A warp has pairs of neighbouring frequencies, its halves one of each.
  const auto frequency = [&](int n) { return half / 2 * 2 * Of::kPerThread + 2 * n + half % 2; };
  float sums[Of::kPerThread][Of::kSide][Of::kSide] = {};

  if (tile.first < tile.end) load(tile.first);
  for (int k = tile.first; k < tile.end; k += Of::kDepth) {
    if (loads_left)
      WinogradShare<Left>::store(cells, square, left);
    else if (loads_right)
      WinogradShare<Right>::store(cells, square, right);
    __syncthreads();
    if (k + Of::kDepth < tile.end) load(k + Of::kDepth);
#pragma unroll
    for (int step = 0; step < Of::kDepth; ++step)
#pragma unroll
      for (int n = 0; n < Of::kPerThread; ++n) {
        const int at = Of::place(frequency(n), step);
        const auto a = read<Of::kSide>(left + at + down), b = read<Of::kSide>(right + at + across);
        for (int i = 0; i < Of::kSide; ++i)
          for (int j = 0; j < Of::kSide; ++j) sums[n][i][j] += a.value[i] * b.value[j];
      }
    __syncthreads();
  }

  // The sums, frequency by frequency, in place of the slabs; rows in another order, in which the
  // threads that store at once meet in no bank.
  constexpr int kArea = Of::kRows * Of::kColumns;
  static_assert(kArea * kWinogradFrequencies * sizeof(float) <= sizeof(memory));
#pragma unroll
  for (int n = 0; n < Of::kPerThread; ++n)
#pragma unroll
    for (int i = 0; i < Of::kSide; ++i) {
      Vector<float, Of::kSide> row;
      for (int j = 0; j < Of::kSide; ++j) row.value[j] = sums[n][i][j];
      write<Of::kSide>(memory + frequency(n) * kArea +
                           (i * Of::kSide + down / Of::kSide) * Of::kColumns + across,
                       row);
    }
  __syncthreads();
  const int place = thread / Of::kColumns, j = tile.column + thread % Of::kColumns,
            i = tile.row + place % Of::kSide * Of::kSide + place / Of::kSide;
  State state = State::nothing();
  if (thread < kArea && i < product.rows && j < product.columns) {
    WinogradSquare frequencies;
#pragma unroll
    for (int f = 0; f < kWinogradFrequencies; ++f) frequencies[f] = memory[f * kArea + thread];
    product.finish(i, j, tile.slice, frequencies, state);
  }
  if constexpr (kStatesMeet<Product>) {
    static_assert(Of::kThreads * sizeof(State) <= sizeof(memory));
    __syncthreads();  // the sums have been read
    let_states_meet(product, tiling, tile, state, reinterpret_cast<State*>(memory), partial,
                    arrived);
  }
}

/// How a map [N, height, width, channels] is cut into squares of outputs.
struct SquareTiles {
  int count;
  Divider by_rows, by_columns;

  explicit SquareTiles(const Shape& map)
      : count(narrow("conv2d", map[0] * across(map[1]) * across(map[2]))),
        by_rows(std::max(1, across(map[1]))),
        by_columns(std::max(1, across(map[2]))) {}
  static int across(std::int64_t pixels) {
    return static_cast<int>((pixels + kWinogradTile - 1) / kWinogradTile);
  }
};

/// Squares of a map's pixels, kCells in each direction, as the tiles of `tiles` see it: the first
/// one begins at (top, left).
template <int kCells, bool kTilesAreLines, class TransformOf>
struct Squares {
  static constexpr bool kAlongDepth = kTilesAreLines;  // for channels are neighbours in memory
  using Transform = TransformOf;

  const float* map;
  int height, width, channels;
  SquareTiles tiles;
  int top, left;

  Squares(const Tensor& of, const SquareTiles& seen_by, std::int64_t pad_h, std::int64_t pad_w)
      : map(of.data<float>()),
        height(narrow("conv2d", of.size(1))),
        width(narrow("conv2d", of.size(2))),
        channels(narrow("conv2d", of.size(3))),
        tiles(seen_by),
        top(-narrow("conv2d", pad_h)),
        left(-narrow("conv2d", pad_w)) {}

  __device__ void load(int line, int step, bool is_there, WinogradSquare& cells) const {
    const int tile = kTilesAreLines ? line : step, channel = kTilesAreLines ? step : line;
    const Digits at = digits(tile, tiles.by_rows, tiles.by_columns);
    const int h = at.middle * kWinogradTile + top, w = at.last * kWinogradTile + left;
    unsigned columns = 0;  // a bit each
#pragma unroll
    for (int j = 0; j < kCells; ++j)
      if (w + j >= 0 && w + j < width) columns |= 1U << static_cast<unsigned>(j);
    const float* row =
        map + ((std::int64_t{at.first} * height + h) * width + w) * channels + channel;
#pragma unroll
    for (int i = 0; i < kCells; ++i) {
      const unsigned of_row = is_there && h + i >= 0 && h + i < height ? columns : 0U;
#pragma unroll
      for (int j = 0; j < kCells; ++j)
        cells[i * kCells + j] =
            (of_row >> static_cast<unsigned>(j) & 1U) != 0 ? row[std::int64_t{j} * channels] : 0.0F;
      row += std::int64_t{width} * channels;
    }
  }
};

/// Filters w [O, 3, 3, C]: line i has an output each, and the steps are inputs; or, kReversed, the
/// other way round, with the taps in reverse.
template <bool kReversed>
struct Filters {
  static constexpr bool kAlongDepth = !kReversed;
  using Transform = Evaluate<kWinogradTaps>;

  const float* w;
  int ins;

  __device__ void load(int line, int step, bool is_there, WinogradSquare& cells) const {
    constexpr int kTaps = kWinogradTaps * kWinogradTaps;
    const int out = kReversed ? step : line, in = kReversed ? line : step;
    const float* const first = w + std::int64_t{out} * kTaps * ins + in;
#pragma unroll
    for (int tap = 0; tap < kTaps; ++tap)
      cells[kReversed ? kTaps - 1 - tap : tap] = is_there ? first[std::int64_t{tap} * ins] : 0.0F;
  }
};

/// What becomes of outputs: they are stored.
struct StoreOutputs {
  using State = NoState;
  Epilogue<float> epilogue;

  struct OfChannel {
    const float* residual;  // null: none
    float bias;
    bool relu;

    __device__ float read(std::int64_t at) const { return value_or_0(residual, at); }
    __device__ float operator()(float value, float added, State&) const {
      const float sum = value + bias + added;
      return relu && sum < 0 ? 0.0F : sum;
    }
  };
  __device__ OfChannel channel(int c) const {
    return {epilogue.residual, value_or_0(epilogue.bias, c), epilogue.relu};
  }
};

/// y, or grad_x. An output at out + at goes through of(output, of.read(at), state) on its way,
/// where `of` is then.channel(c).
template <bool kReversed, class Then>
struct Correlation {
  using State = typename Then::State;

  int rows, columns, depth;
  Squares<kWinogradPoints, true, Interpolate> left;
  Filters<kReversed> right;
  Then then;
  float* out;
  int height, width;  // of out

  __device__ void finish(int tile, int channel, std::int64_t, const WinogradSquare& sums,
                         State& state) const {
    WinogradSquare cells;
    transform_square<Collect<kWinogradTile>>(sums, cells);
    const Digits at = digits(tile, left.tiles.by_rows, left.tiles.by_columns);
    const int h = at.middle * kWinogradTile, w = at.last * kWinogradTile;
    const std::int64_t first =
        ((std::int64_t{at.first} * height + h) * width + w) * columns + channel;
    const auto for_each_cell = [&](const auto& visit) {
#pragma unroll
      for (int i = 0; i < kWinogradTile; ++i)
#pragma unroll
        for (int j = 0; j < kWinogradTile; ++j)
          if (h + i < height && w + j < width)
            visit(i * kWinogradTile + j, first + std::int64_t{i * width + j} * columns);
    };
    // All reads come first, so that they are under way together: none could go ahead of a store.
    const auto of = then.channel(channel);
    decltype(of.read(first)) read[kWinogradTile * kWinogradTile];
    for_each_cell([&](int cell, std::int64_t to) { read[cell] = of.read(to); });
    for_each_cell([&](int cell, std::int64_t to) { out[to] = of(cells[cell], read[cell], state); });
  }
  __device__ void conclude(int channel, const State& state) const { then.conclude(channel, state); }
};

inline Tiling tiling_of(int rows, int columns, int depth) {
  const auto parts = [](int extent, int part) { return (extent + part - 1) / part; };
  return {parts(rows, WinogradBlock::kRows), parts(columns, WinogradBlock::kColumns), 1, depth};
}

template <class Product>
void solve(std::string_view op, Device device, const Product& product, const Tiling& tiling) {
  const std::int64_t blocks = tiling.row_tiles * tiling.column_tiles * tiling.slices;
  if (blocks == 0) return;
  check(!kStatesMeet<Product> || tiling.column_tiles <= kArrivals, op, "has ", product.columns,
        " channels, expected at most ", kArrivals * WinogradBlock::kColumns);
  const Buffer<typename Product::State> partial(
      kStatesMeet<Product> ? tiling.row_tiles * product.columns : 0, device);
  launch(op, device, winograd_kernel<Product>, static_cast<unsigned>(blocks),
         WinogradBlock::kThreads, product, tiling, partial.data(), arrivals(device));
}

/// `out` [N, H, W, channels] of a map and a filter, of which every value goes through `then`.
template <bool kReversed, class Then>
void correlate(std::string_view op, const Tensor& map, const Tensor& w, std::int64_t pad_h,
               std::int64_t pad_w, const Then& then, const Tensor& out) {
  const SquareTiles tiles(out.shape());
  const Correlation<kReversed, Then> product{tiles.count,
                                             narrow(op, out.size(3)),
                                             narrow(op, map.size(3)),
                                             {map, tiles, pad_h, pad_w},
                                             {w.data<float>(), narrow(op, w.size(3))},
                                             then,
                                             out.data<float>(),
                                             narrow(op, out.size(1)),
                                             narrow(op, out.size(2))};
  solve(op, out.device(), product, tiling_of(product.rows, product.columns, product.depth));
}

template <class Then>
void winograd_forward_then(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                           const Then& then, const Tensor& y) {
  correlate<false>("conv2d", x, w, options.pad_h, options.pad_w, then, y);
}

template <class Then>
void winograd_input_grad_then(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                              const Then& then, const Tensor& grad_x) {
  constexpr std::int64_t kReach = kWinogradTaps - 1;
  correlate<true>("conv2d_input_grad", grad_y, w, kReach - options.pad_h, kReach - options.pad_w,
                  then, grad_x);
}

}  // namespace rho::kernels::cuda
