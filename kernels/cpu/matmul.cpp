// Matrix product in cache blocks (Goto and van de Geijn 2008, BLIS): a block of A stays in the
// second-level cache, a panel of B in the first, and the micro-kernel runs over their tiles.
#include "kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/threads.h"

namespace rho::kernels {
namespace {

using cpu::MicroTile;
using cpu::Panels;

constexpr std::int64_t kBlockK = 256;
constexpr std::int64_t kBlockM = 144;  // of float32: 144 KiB of A
constexpr std::int64_t kBlockN = 1024;
constexpr std::int64_t kTileRows = 6;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Extent of equal blocks of at most `limit`, at least `parts` of them where the tiles allow it.
std::int64_t block_extent(std::int64_t extent, std::int64_t limit, std::int64_t tile,
                          std::int64_t parts) {
  const std::int64_t count = std::max(ceil_div(extent, limit), parts);
  return ceil_div(ceil_div(extent, count), tile) * tile;
}

template <class T>
struct Matrix {
  const T* data;
  std::int64_t across, along;  // strides between vectors, and along K

  Matrix at(std::int64_t vector, std::int64_t k) const {
    return {data + vector * across + k * along, across, along};
  }
};

/// packed[k * width + i] = element k of vector i; zero for count <= i < width.
template <class T>
void pack(const Matrix<T>& from, std::int64_t count, std::int64_t width, std::int64_t depth,
          T* packed) {
  for (std::int64_t k = 0; k < depth; ++k) {
    const T* source = from.data + k * from.along;
    T* target = packed + k * width;
    if (from.across == 1)
      std::copy_n(source, count, target);
    else
      for (std::int64_t i = 0; i < count; ++i) target[i] = source[i * from.across];
    std::fill(target + count, target + width, T{0});
  }
}

/// out (rows x columns, leading extent ld) = a b, with one thread. Rows of A, columns of B.
template <class T>
void multiply_block(const Matrix<T>& a, const Matrix<T>& b, std::int64_t rows, std::int64_t columns,
                    std::int64_t depth, T* out, std::int64_t ld) {
  thread_local cpu::Scratch scratch_a, scratch_b;
  const auto& kernels = cpu::micro_kernels<T>();
  const Panels<T> panels(columns, 2);
  const std::int64_t deepest = std::min(depth, kBlockK);
  T* packed_a = scratch_a.get<T>(rows * deepest);
  T* packed_b = scratch_b.get<T>(panels.padded() * deepest);
  const std::int64_t no_segment = 0;
  MicroTile<T> tile;
  tile.row_segments = tile.column_segments = &no_segment;

  for (std::int64_t k = 0; k < depth; k += kBlockK) {
    tile.length = std::min(kBlockK, depth - k);
    tile.accumulate = k > 0;
    for (std::int64_t p = 0; p < panels.count; ++p)
      pack(b.at(panels.first(p), k), panels.valid(p), panels.width(p), tile.length,
           packed_b + panels.first(p) * tile.length);
    for (std::int64_t i = 0; i < rows; i += kTileRows) {
      const std::int64_t count = std::min(kTileRows, rows - i);
      pack(a.at(i, k), count, count, tile.length, packed_a + i * tile.length);
    }
    for (std::int64_t p = 0; p < panels.count; ++p) {
      tile.columns = packed_b + panels.first(p) * tile.length;
      tile.column_step = panels.width(p);
      tile.valid_columns = panels.valid(p);
      for (std::int64_t i = 0; i < rows; i += kTileRows) {
        const std::int64_t count = std::min(kTileRows, rows - i);
        tile.row_step = count;
        for (std::int64_t r = 0; r < count; ++r) {
          tile.rows[r] = packed_a + i * tile.length + r;
          tile.out[r] = out + (i + r) * ld + panels.first(p);
        }
        kernels.run(cpu::Rows::Apart, static_cast<int>(count), panels.vectors(p), tile);
      }
    }
  }
}

/// Offsets of the matrices of `t`, in row-major order of its leading dimensions.
std::vector<std::int64_t> batch_offsets(const Tensor& t) {
  Shape shape;
  Strides strides;
  for (int d = 0; d < t.rank() - 2; ++d) {
    shape.push_back(t.shape()[d]);
    strides.push_back(t.strides()[d]);
  }
  std::vector<std::int64_t> offsets;
  for_each_offset(shape, strides, [&](std::int64_t offset) { offsets.push_back(offset); });
  return offsets;
}

template <class T>
void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  const std::int64_t rows = a.size(-2), depth = a.size(-1), columns = b.size(-1);
  T* result = out.data<T>();
  if (depth == 0) std::fill_n(result, out.numel(), T{0});
  if (depth == 0 || out.numel() == 0) return;

  const auto strides = [](const Tensor& t, int from_end) {
    return t.strides()[t.rank() - from_end];
  };
  const std::vector<std::int64_t> offsets_a = batch_offsets(a), offsets_b = batch_offsets(b);
  const auto batch = static_cast<std::int64_t>(offsets_a.size());
  // Blocks are cut so that every thread finds one; where the cuts lie changes no result.
  const std::int64_t wanted = ceil_div(threads(), batch);
  const std::int64_t block_n = block_extent(columns, kBlockN, 2 * cpu::micro_kernels<T>().lanes,
                                            columns > rows ? wanted : 1);
  const std::int64_t blocks_n = ceil_div(columns, block_n);
  const std::int64_t limit_m = kBlockM * 4 / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t block_m = block_extent(rows, limit_m, kTileRows, ceil_div(wanted, blocks_n));
  const std::int64_t blocks_m = ceil_div(rows, block_m);
  const T* data_a = a.data<T>();
  const T* data_b = b.data<T>();

  const std::int64_t products = out.numel() * depth;
  const std::int64_t tasks = batch * blocks_n * blocks_m;
  const std::int64_t grain = cpu::kSerialProducts * tasks / products;
  cpu::parallel_ranges(tasks, grain, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const std::int64_t i = task % blocks_m * block_m, j = task / blocks_m % blocks_n * block_n;
      const std::int64_t n = task / (blocks_m * blocks_n);
      const auto item = static_cast<std::size_t>(n);
      const Matrix<T> left{data_a + offsets_a[item], strides(a, 2), strides(a, 1)};
      const Matrix<T> right{data_b + offsets_b[item], strides(b, 1), strides(b, 2)};
      multiply_block(left.at(i, 0), right.at(j, 0), std::min(block_m, rows - i),
                     std::min(block_n, columns - j), depth, result + (n * rows + i) * columns + j,
                     columns);
    }
  });
}

void matmul_cpu(const Tensor& a, const Tensor& b, const Tensor& out) {
  bool fits = a.rank() >= 2 && a.rank() == b.rank() && out.rank() == a.rank() &&
              a.size(-1) == b.size(-2) && out.size(-2) == a.size(-2) && out.size(-1) == b.size(-1);
  for (int d = 0; fits && d < a.rank() - 2; ++d)
    fits = a.shape()[d] == b.shape()[d] && a.shape()[d] == out.shape()[d];
  check(fits, "matmul", "shapes ", a.shape(), " and ", b.shape(), " do not give ", out.shape());
  check(a.dtype() == b.dtype() && a.dtype() == out.dtype(), "matmul", "expects one dtype, found ",
        a.dtype(), ", ", b.dtype(), " and ", out.dtype());
  check(out.is_contiguous(), "matmul", "expects a contiguous output, found strides ",
        out.strides());
  dispatch_floating(a.dtype(), "matmul", [&]<class T>() { multiply<T>(a, b, out); });
}

const Fill fill_matmul{matmul, DeviceType::CPU, &matmul_cpu};

}  // namespace
}  // namespace rho::kernels
