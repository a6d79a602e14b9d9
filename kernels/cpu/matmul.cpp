// Matrix product in cache blocks (Goto and van de Geijn 2008; Van Zee and van de Geijn 2015): a
// block of A and a panel of B stay in the second-level cache, what the tiles of the micro-kernel
// read most often in the first. An operand is packed only where that pays: a small one is read as
// it lies.
#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cpu/caches.h"
#include "kernels/cpu/integers.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/transpose.h"
#include "kernels/precision.h"
#include "kernels/provider.h"
#include "kernels/threads.h"

namespace rho::kernels {
namespace {

using cpu::ceil_div;
using cpu::PanelProduct;
using cpu::Panels;
using cpu::Rows;

// Rows of A for which a panel of B is read once.
constexpr std::int64_t kLeastBlockM = 192, kMaxBlockM = 256;
constexpr std::int64_t kPackedElements = 1 << 20;  // of B, packed at once
constexpr std::int64_t kFewRows = 512, kManyColumns = 128;
constexpr std::int64_t kPanelsPacked = 8;   // by one thread at once
constexpr std::int64_t kPage = 4096;        // bytes
constexpr std::int64_t kTilesTogether = 4;  // of the micro-kernel, between prefetches

std::int64_t round_up(std::int64_t a, std::int64_t to) { return ceil_div(a, to) * to; }

template <class T>
constexpr std::int64_t bytes(std::int64_t count) {
  return count * static_cast<std::int64_t>(sizeof(T));
}

std::int64_t three_quarters(std::int64_t cache) { return cache * 3 / 4; }

template <class T>
struct Matrix {
  const T* data;
  std::int64_t across, along;  // strides between vectors, and along K

  Matrix at(std::int64_t vector, std::int64_t k) const {
    return {data + vector * across + k * along, across, along};
  }
};

/// Steps along K between which sums go to memory, as equal as can be. Three quarters of the first
/// cache hold what is read again and again: contiguous rows of A, which a tile has few of, while
/// panels of B come from the second cache; else a panel, because the elements of one step of
/// adjacent rows take a line of their own. So many rows of A as a panel of B should serve stay in
/// the second cache.
template <class T>
std::int64_t depth_block(Rows kind, std::int64_t depth) {
  const auto& kernels = cpu::micro_kernels<T>();
  const int vectors = kernels.widest(kind);
  const std::int64_t kept =
      kind == Rows::Contiguous ? kernels.max_rows(kind, vectors) : vectors * kernels.lanes;
  const std::int64_t most = std::max<std::int64_t>(
      std::min(three_quarters(cpu::caches().first) / bytes<T>(kept),
               three_quarters(cpu::caches().second) / bytes<T>(kLeastBlockM)),
      64);
  return round_up(ceil_div(depth, ceil_div(depth, most)), 8);
}

/// Rows of A that take three quarters of the second cache, so many steps deep.
template <class T>
std::int64_t max_block_rows(std::int64_t depth) {
  return std::clamp<std::int64_t>(three_quarters(cpu::caches().second) / bytes<T>(depth) / 8 * 8,
                                  64, kMaxBlockM);
}

/// packed[k * width + i] = element k of vector i; zero for count <= i < width.
template <class T>
void pack_panel(const Matrix<T>& from, std::int64_t count, std::int64_t width, std::int64_t depth,
                T* packed) {
  if (from.across == 1) {
    for (std::int64_t k = 0; k < depth; ++k) {
      T* const target = packed + k * width;
      const T* const source = from.data + k * from.along;
      // Pieces of a constant size are moves, not calls.
      constexpr std::int64_t kPiece = 32 / sizeof(T);
      std::int64_t i = 0;
      for (; i + kPiece <= count; i += kPiece) std::memcpy(target + i, source + i, 32);
      for (; i < width; ++i) target[i] = i < count ? source[i] : T{0};
    }
    return;
  }
  // A line of each vector at a time, so that those of the panel stay in the first cache.
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t k = 0; k < depth; k += kLine) {
    const std::int64_t end = std::min(k + kLine, depth);
    std::int64_t i = 0;
    if (from.along == 1 && end == k + kLine)
      for (; i + 4 <= count; i += 4)
        for (std::int64_t j = k; j < end; j += 4)
          cpu::transpose_square(from.data + i * from.across + j, from.across,
                                packed + j * width + i, width);
    for (; i < count; ++i) {
      const T* const source = from.data + i * from.across;
      for (std::int64_t j = k; j < end; ++j) packed[j * width + i] = source[j * from.along];
    }
    for (std::int64_t j = k; j < end; ++j)
      std::fill(packed + j * width + count, packed + (j + 1) * width, T{0});
  }
}

/// B as the micro-kernel reads it.
template <class T>
struct RightOperand {
  Panels<T> panels;
  std::int64_t depth, block;  // of K
  Matrix<T> matrix;
  T* packed = nullptr;      // null: all but a last partial panel is read as it lies
  T* last_panel = nullptr;  // that panel, packed

  bool is_direct(std::int64_t p) const {
    return packed == nullptr && panels.valid(p) == panels.width(p);
  }
  /// Panel p from step k on, in the block of k.
  const T* columns(std::int64_t p, std::int64_t k) const {
    if (is_direct(p)) return matrix.at(panels.first(p), k).data;
    if (packed == nullptr) return last_panel + k * panels.width(p);
    const std::int64_t start = k / block * block;
    return packed + start * panels.padded() + panels.first(p) * std::min(block, depth - start) +
           (k - start) * panels.width(p);
  }
  std::int64_t step(std::int64_t p) const { return is_direct(p) ? matrix.along : panels.width(p); }

  /// Packs panels [first, last), as the lines of B lie: a few steps of all at a time where they go
  /// across, else one panel after the other.
  void pack(std::int64_t first, std::int64_t last) const {
    if (matrix.across == 1) return pack_steps(first, last, 16);
    for (std::int64_t p = first; p < last; ++p) pack_steps(p, p + 1, block);
  }
  void pack_steps(std::int64_t first, std::int64_t last, std::int64_t steps) const {
    for (std::int64_t k = 0; k < depth;) {
      const std::int64_t end = std::min({k + steps, (k / block + 1) * block, depth});
      for (std::int64_t p = first; p < last; ++p)
        pack_panel(matrix.at(panels.first(p), k), panels.valid(p), panels.width(p), end - k,
                   const_cast<T*>(columns(p, k)));
      k = end;
    }
  }
};

/// How the micro-kernel reads the rows of A. Blocks along K depend on it, and with them results: it
/// is decided by the whole product, not by what a thread has of it.
template <class T>
struct LeftOperand {
  bool is_packed;
  Rows kind;

  /// For a product with `columns`, which is computed in blocks of at most `rows`.
  LeftOperand(const Matrix<T>& a, std::int64_t rows, std::int64_t columns, std::int64_t depth) {
    const bool adjacent = a.across == 1;
    const bool readable = adjacent || a.along == 1;
    const auto& kernels = cpu::micro_kernels<T>();
    const int widest = kernels.widest(adjacent ? Rows::Adjacent : Rows::Contiguous);
    const bool read_again = columns > widest * kernels.lanes;
    // Reading them in place is slow where they lie in many pages, or fall into one cache set.
    const bool scattered = bytes<T>(rows * depth) > cpu::caches().first &&
                           (adjacent || bytes<T>(a.across) % kPage == 0);
    is_packed = !readable || (read_again && scattered);
    kind = adjacent && !is_packed ? Rows::Adjacent : Rows::Contiguous;
  }

  /// Contiguous rows, rows x depth of them: in few pages, and away from one cache set.
  static Matrix<T> pack(const Matrix<T>& a, std::int64_t rows, std::int64_t depth,
                        cpu::Scratch& scratch) {
    const std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t pitch = round_up(depth, line) + line;
    T* const to = scratch.get<T>(rows * pitch);
    if (a.across == 1) {
      cpu::transpose(a.data, a.along, depth, rows, to, pitch);
    } else {
      for (std::int64_t i = 0; i < rows; ++i)
        if (a.along == 1)
          std::copy_n(a.data + i * a.across, depth, to + i * pitch);
        else
          for (std::int64_t k = 0; k < depth; ++k)
            to[i * pitch + k] = a.data[i * a.across + k * a.along];
    }
    return {to, pitch, 1};
  }
};

/// Asks for a packed panel, as far as `last` of `rows` rows go that meet the one before it, so that
/// it is in the second cache when its turn comes. Inlined, because to GCC a function that does
/// nothing else has no effect, and is not called.
template <class T>
[[gnu::always_inline]] inline void prefetch_share(const T* panel, std::int64_t size,
                                                  std::int64_t first, std::int64_t last,
                                                  std::int64_t rows) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t i = size * first / rows; i < size * last / rows; i += kLine)
    __builtin_prefetch(panel + i, 0, 2);
}

/// out (rows x the columns of panels [first, last), leading extent ld) = a b, with one thread.
template <class T>
void multiply_block(const Matrix<T>& a, const LeftOperand<T>& left, const RightOperand<T>& b,
                    std::int64_t rows, std::int64_t first, std::int64_t last, bool accumulate,
                    T* out, std::int64_t ld) {
  thread_local cpu::Scratch scratch;
  const auto& kernels = cpu::micro_kernels<T>();
  const Panels<T>& panels = b.panels;
  const std::int64_t no_segment = 0;
  PanelProduct<T> product;
  product.row_segments = product.column_segments = &no_segment;
  product.out_pitch = ld;
  for (std::int64_t k = 0; k < b.depth; k += b.block) {
    product.length = std::min(b.block, b.depth - k);
    product.accumulate = accumulate || k > 0;
    const Matrix<T> block =
        left.is_packed ? left.pack(a.at(0, k), rows, product.length, scratch) : a.at(0, k);
    product.row_pitch = block.across;
    product.row_step = block.along;
    for (std::int64_t p = first; p < last; ++p) {
      product.columns = b.columns(p, k);
      product.column_step = b.step(p);
      product.valid_columns = panels.valid(p);
      const int vectors = panels.vectors(p);
      const std::int64_t together = kTilesTogether * kernels.max_rows(left.kind, vectors);
      for (std::int64_t i = 0; i < rows; i += product.count) {
        product.count = rows - i < 2 * together ? rows - i : together;
        product.rows = block.at(i, 0).data;
        product.out = out + i * ld + panels.first(p);
        if (p + 1 < last && !b.is_direct(p + 1))
          prefetch_share(b.columns(p + 1, k), product.length * b.step(p + 1), i, i + product.count,
                         rows);
        kernels.run(left.kind, vectors, product);
      }
    }
  }
}

/// out (rows x columns, leading extent ld) = a b: rows of A, columns of B.
template <class T>
void multiply_matrices(const Matrix<T>& a, const LeftOperand<T>& left, const Matrix<T>& b,
                       std::int64_t rows, std::int64_t columns, std::int64_t depth, T* out,
                       std::int64_t ld, std::int64_t workers) {
  thread_local cpu::Scratch scratch;
  const bool serial = workers == 1 || rows * columns * depth <= cpu::kSerialProducts;
  // Each thread takes columns of its own, where that gives it enough to do, and packs them where it
  // needs them: what another core has packed would come through the shared cache.
  const auto& kernels = cpu::micro_kernels<T>();
  const std::int64_t all_vectors = ceil_div(columns, kernels.lanes);
  if (!serial && all_vectors > kernels.widest(Rows::Adjacent) * (workers - 1) &&
      (rows <= kFewRows || columns >= kManyColumns * workers)) {
    return cpu::parallel_for(workers, [&](std::int64_t part) {
      const std::int64_t first = all_vectors * part / workers * kernels.lanes;
      const std::int64_t last =
          std::min(all_vectors * (part + 1) / workers * kernels.lanes, columns);
      multiply_matrices(a, left, b.at(first, 0), rows, last - first, depth, out + first, ld, 1);
    });
  }
  // What is read by one or two rows of tiles, or lies in few pages, is not packed.
  const bool direct =
      b.across == 1 && (rows <= 16 || bytes<T>(depth * b.along) <= cpu::caches().second / 4);
  const int vectors = kernels.widest(left.kind);
  const std::int64_t width = vectors * kernels.lanes;
  const std::int64_t block = depth_block<T>(left.kind, depth);
  const std::int64_t most =
      direct ? columns : std::max(kPackedElements / block / width * width, width);
  // Enough blocks for every thread; where the cuts lie changes no result.
  const std::int64_t sharing = serial ? 1 : 2 * workers;
  const std::int64_t height =
      std::min(max_block_rows<T>(block), round_up(ceil_div(rows, sharing), 8));
  const std::int64_t blocks_m = ceil_div(rows, height);
  for (std::int64_t j = 0; j < columns; j += most) {
    const Panels<T> panels(std::min(most, columns - j), vectors);
    const std::int64_t partial = panels.count - 1;
    const std::int64_t blocks_n = std::min(ceil_div(sharing, blocks_m), panels.count);
    // As many blocks along K as may be packed at once.
    const std::int64_t steps =
        direct ? depth : std::max(kPackedElements / panels.padded() / block * block, block);
    for (std::int64_t k = 0; k < depth; k += steps) {
      RightOperand<T> right{panels, std::min(steps, depth - k), block, b.at(j, k)};
      if (!direct) {
        right.packed = scratch.get<T>(right.depth * panels.padded());
        cpu::parallel_ranges(panels.count, serial ? panels.count : kPanelsPacked,
                             [&](std::int64_t p, std::int64_t end) { right.pack(p, end); });
      } else if (!right.is_direct(partial)) {
        right.last_panel = scratch.get<T>(right.depth * panels.width(partial));
        right.pack(partial, panels.count);
      }
      const auto multiply_one = [&](std::int64_t at) {
        const std::int64_t i = at % blocks_m * height, n = at / blocks_m;
        multiply_block(a.at(i, k), left, right, std::min(height, rows - i),
                       panels.count * n / blocks_n, panels.count * (n + 1) / blocks_n, k > 0,
                       out + i * ld + j, ld);
      };
      cpu::parallel_ranges(blocks_m * blocks_n, serial ? blocks_m * blocks_n : 1,
                           [&](std::int64_t at, std::int64_t end) {
                             for (; at < end; ++at) multiply_one(at);
                           });
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
  const auto one = [&](std::int64_t n) {
    const auto item = static_cast<std::size_t>(n);
    const Matrix<T> from_a{a.data<T>() + offsets_a[item], strides(a, 2), strides(a, 1)};
    const Matrix<T> from_b{b.data<T>() + offsets_b[item], strides(b, 1), strides(b, 2)};
    const LeftOperand<T> left(from_a, std::min(rows, kMaxBlockM), columns, depth);
    multiply_matrices(from_a, left, from_b, rows, columns, depth, result + n * rows * columns,
                      columns, threads());
  };
  // Many products are shared out whole.
  if (batch >= threads()) return cpu::parallel_for(batch, one);
  for (std::int64_t n = 0; n < batch; ++n) one(n);
}

void matmul_cpu(const Tensor& a, const Tensor& b, const Tensor& out) {
  expect_matmul(a, b, out);
  expect_ieee_products("matmul", out);
  expect_own_products("matmul", out);
  dispatch_floating(a.dtype(), "matmul", [&]<class T>() { multiply<T>(a, b, out); });
}

const Fill fill_matmul{matmul, DeviceType::CPU, &matmul_cpu};

}  // namespace
}  // namespace rho::kernels
