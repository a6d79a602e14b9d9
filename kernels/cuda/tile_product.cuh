// Products in IEEE arithmetic (tiling.cuh says what a product is): each thread of a block keeps a
// small tile of its sums in registers.
#pragma once

#include "kernels/cuda/tiling.cuh"

namespace rho::kernels::cuda {

/// Rows and columns of a block's tile, and how much of the depth it takes at once; its 256 threads
/// are kTeams times kThreadsDown x kThreadsAcross, where each team takes a part of the depth. A
/// multiprocessor has at least two blocks at a time.
template <int kTileRows, int kTileColumns, int kTileDepth, int kAcross, int kOfTeams = 1>
struct Tile {
  static constexpr int kRows = kTileRows, kColumns = kTileColumns, kDepth = kTileDepth;
  static constexpr int kTeams = kOfTeams, kTeam = static_cast<int>(kThreads) / kTeams;
  static constexpr int kThreadsAcross = kAcross;
  static constexpr int kThreadsDown = kTeam / kAcross;
  static constexpr int kThreadRows = kRows / kThreadsDown;
  static constexpr int kThreadColumns = kColumns / kThreadsAcross;

  // A warp's 32 threads are 4 x 8, or as near as that goes: what they read of a slab is in few
  // places.
  static constexpr int kLanesAcross = kThreadsAcross < 8 ? kThreadsAcross : 8;
  static constexpr int kLanesDown = 32 / kLanesAcross;
  static constexpr int kWarpsAcross = kThreadsAcross / kLanesAcross;
  __device__ static int team() { return static_cast<int>(threadIdx.x) / kTeam; }
  __device__ static int across() {
    const int warp = thread() / 32, lane = thread() % 32;
    return warp % kWarpsAcross * kLanesAcross + lane % kLanesAcross;
  }
  __device__ static int down() {
    const int warp = thread() / 32, lane = thread() % 32;
    return warp / kWarpsAcross * kLanesDown + lane / kLanesAcross;
  }
  /// Of a team.
  __device__ static int thread() { return static_cast<int>(threadIdx.x) % kTeam; }
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

/// The sums of all teams, in the first one's; in the order of the teams.
template <class TileShape, class T, int kRows, int kColumns>
__device__ void add_teams(T (&sums)[kRows][kColumns]) {
  __shared__ T brought[kRows * kColumns][TileShape::kTeam];
  for (int team = 1; team < TileShape::kTeams; ++team) {
    __syncthreads();
    if (TileShape::team() == team)
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kColumns; ++j)
          brought[i * kColumns + j][TileShape::thread()] = sums[i][j];
    __syncthreads();
    if (TileShape::team() == 0)
      for (int i = 0; i < kRows; ++i)
        for (int j = 0; j < kColumns; ++j)
          sums[i][j] += brought[i * kColumns + j][TileShape::thread()];
  }
}

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

  const BlockTile tile = tile_of<TileShape>(blockIdx.x, tiling, problem.item(0).depth);
  const int across = TileShape::across(), down = TileShape::down();
  const Product product = problem.item(tile.item);
  T sums[kRows][kColumns] = {};
  Left from_left(product.left, tile.row, product.rows);
  Right from_right(product.right, tile.column, product.columns);
  for_each_slab<TileShape::kDepth>(
      tile, from_left, from_right, left, right,
      [&](const typename Left::Shared& slab_of_left, const typename Right::Shared& slab_of_right) {
#pragma unroll  // or the loads of one step would wait for the products of the one before
        for (int step = 0; step < TileShape::kDepth / TileShape::kTeams; ++step) {
          const int d = TileShape::team() * (TileShape::kDepth / TileShape::kTeams) + step;
          T a[kRows], b[kColumns];
          ShareOfLeft::load(slab_of_left[d], down, a);
          ShareOfRight::load(slab_of_right[d], across, b);
          for (int i = 0; i < kRows; ++i)
            for (int j = 0; j < kColumns; ++j) sums[i][j] += a[i] * b[j];
        }
      });

  if constexpr (TileShape::kTeams > 1) {
    add_teams<TileShape>(sums);
    if (TileShape::team() > 0) return;
  }
  constexpr int kGroup = kWidth > 1 ? ShareOfRight::kGroup : 1;
  store_sums(product, tiling, tile, partial, [&](const auto& visit) {
#pragma unroll
    for (int i = 0; i < kRows; ++i)
#pragma unroll
      for (int j = 0; j < kColumns; j += kGroup) {
        const int r = tile.row + ShareOfLeft::index(down, i),
                  c = tile.column + ShareOfRight::index(across, j);
        if (r >= product.rows || c >= product.columns) continue;
        Vector<T, kGroup> group;
        for (int e = 0; e < kGroup; ++e) group.value[e] = sums[i][j + e];
        visit(r, c, group);
        for (int e = 0; e < kGroup; ++e) sums[i][j + e] = group.value[e];
      }
  });
}

/// Solves a Problem of element type T on `device`.
template <class T, int kWidth, class Problem>
void tile_product(std::string_view op, Device device, const Problem& problem) {
  using Narrowest = Tile<128, 16, 16, 4>;
  using Narrow = Tile<128, 32, 16, 8>;
  using Square = Tile<64, 64, 16, 16>;
  const auto solve = [&]<class TileShape>(std::type_identity<TileShape>) {
    solve_in_tiles<TileShape>(op, device, problem,
                              tile_product_kernel<T, kWidth, TileShape, Problem>);
  };
  [[maybe_unused]] const int rows = problem.item(0).rows, columns = problem.item(0).columns;
  // Larger ones would fit in double neither in shared memory nor, as 64 sums, in registers.
  if constexpr (sizeof(T) == 8) {
    if (columns <= 16)
      with_tile<Narrowest>(problem, solve);
    else if (columns <= 32)
      with_tile<Narrow>(problem, solve);
    else
      with_tile<Square>(problem, solve);
  } else if constexpr (kHasFewRows<Problem>) {
    if (rows <= 16)
      with_tile<Tile<16, 64, 32, 16, 4>>(problem, solve);
    else if (rows <= 32)
      with_tile<Tile<32, 64, 32, 16, 2>>(problem, solve);
    else
      with_tile<Tile<128, 128, 8, 16>, Square>(problem, solve);
  } else {
    if (columns <= 16)
      with_tile<Tile<256, 16, 16, 4>, Narrowest>(problem, solve);
    else if (columns <= 32)
      with_tile<Tile<256, 32, 16, 8>, Narrow>(problem, solve);
    else if (columns <= 64)
      with_tile<Tile<128, 64, 16, 16>, Square>(problem, solve);
    else
      with_tile<Tile<128, 128, 8, 16>, Square>(problem, solve);
  }
}

}  // namespace rho::kernels::cuda
