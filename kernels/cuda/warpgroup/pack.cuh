// Operands as wgmma and the device's copies of tiles want them: rounded to Element (mma.cuh),
// neighbours in k next to each other, whichever they were before, and lines at multiples of 16
// bytes. One pass over memory, which reads and writes 16 bytes at a time where it can.
#pragma once

#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/cuda/vector.cuh"

namespace rho::kernels::cuda {

/// An operand of a product, wherever its elements are.
struct Operand {
  const float* data;
  int lines, depth;
  std::int64_t per_line, per_step;  ///< elements from one line to the next, and along k
};

/// Elements of 16 bytes.
template <class Element>
inline constexpr int kPerChunk = 4 * Element::kPerWord;

template <class Element>
struct Packed {
  int lines, depth;
  std::int64_t pitch;  ///< words of a line: whole chunks
  Buffer<std::uint32_t> words;

  Packed(int of_lines, int of_depth, Device device)
      : lines(of_lines),
        depth(of_depth),
        pitch((std::int64_t{of_depth} + kPerChunk<Element> - 1) / kPerChunk<Element> * 4),
        words(lines * pitch, device) {}
};

/// Lines and steps of a block's part of an operand.
template <int kOfLines, int kOfSteps>
struct PackTile {
  static constexpr int kLines = kOfLines, kSteps = kOfSteps;

  int line, step;  ///< its first

  __device__ explicit PackTile(unsigned across)
      : line(static_cast<int>(blockIdx.x / across) * kLines),
        step(static_cast<int>(blockIdx.x % across) * kSteps) {}
  static std::int64_t across(int depth) { return (std::int64_t{depth} + kSteps - 1) / kSteps; }
  static std::int64_t count(const Operand& operand) {
    return (std::int64_t{operand.lines} + kLines - 1) / kLines * across(operand.depth);
  }

  /// Rounds and writes this thread's chunks. values(line, step, chunk) gets the elements of the one
  /// that begins there in the tile: of all before the first is written, so that no read waits for
  /// another.
  template <class Element, class Values>
  __device__ void pack(const Operand& operand, std::uint32_t* packed, std::int64_t pitch,
                       const Values& values) const {
    constexpr int kChunks = kSteps / kPerChunk<Element>;
    constexpr int kOwn = kLines * kChunks / static_cast<int>(kThreads);
    float own[kOwn][kPerChunk<Element>];
    const auto place = [](int n) {
      return n * static_cast<int>(kThreads) + static_cast<int>(threadIdx.x);
    };
#pragma unroll
    for (int n = 0; n < kOwn; ++n)
      values(place(n) / kChunks, place(n) % kChunks * kPerChunk<Element>, own[n]);
#pragma unroll
    for (int n = 0; n < kOwn; ++n) {
      const int i = line + place(n) / kChunks, k = step + place(n) % kChunks * kPerChunk<Element>;
      if (i >= operand.lines || k >= operand.depth) continue;
      Vector<std::uint32_t, 4> words;
      for (int w = 0; w < 4; ++w) {
        float elements[Element::kPerWord];
        for (int e = 0; e < Element::kPerWord; ++e) elements[e] = own[n][w * Element::kPerWord + e];
        words.value[w] = Element::word(elements);
      }
      write<4>(packed + i * pitch + k / Element::kPerWord, words);
    }
  }
};

/// Where neighbours in k are neighbours.
using TileAlongDepth = PackTile<16, 256>;
template <class Element, int kWidth>
__global__ void __launch_bounds__(kThreads)
    pack_along_depth_kernel(const Operand operand, std::uint32_t* packed, std::int64_t pitch,
                            unsigned across) {
  const TileAlongDepth tile(across);
  tile.pack<Element>(operand, packed, pitch,
                     [&](int line, int step, float(&values)[kPerChunk<Element>]) {
                       const int i = tile.line + line;
                       for (int v = 0; v < kPerChunk<Element>; v += kWidth) {
                         const int k = tile.step + step + v;
                         Vector<float, kWidth> read_now{};
                         if (i < operand.lines && k < operand.depth)
                           read_now = read<kWidth>(operand.data + i * operand.per_line + k);
                         for (int e = 0; e < kWidth; ++e) values[v + e] = read_now.value[e];
                       }
                     });
}

/// Everywhere else, fast where neighbours in i are neighbours: transposed in shared memory.
using TileAcrossDepth = PackTile<64, 64>;
template <class Element, int kWidth>
__global__ void __launch_bounds__(kThreads)
    pack_across_depth_kernel(const Operand operand, std::uint32_t* packed, std::int64_t pitch,
                             unsigned across) {
  using Tile = TileAcrossDepth;
  constexpr int kVectors = Tile::kLines / kWidth;
  constexpr int kOwn = Tile::kSteps * kVectors / static_cast<int>(kThreads);
  __shared__ float elements[Tile::kSteps][Tile::kLines + 1];  // or a column would lie in two banks
  const Tile tile(across);
  Vector<float, kWidth> own[kOwn] = {};
  const auto place = [](int n) {
    return n * static_cast<int>(kThreads) + static_cast<int>(threadIdx.x);
  };
#pragma unroll
  for (int n = 0; n < kOwn; ++n) {
    const int i = tile.line + place(n) % kVectors * kWidth, k = tile.step + place(n) / kVectors;
    if (i < operand.lines && k < operand.depth)
      own[n] = read<kWidth>(operand.data + i * operand.per_line + k * operand.per_step);
  }
#pragma unroll
  for (int n = 0; n < kOwn; ++n)
    for (int e = 0; e < kWidth; ++e)
      elements[place(n) / kVectors][place(n) % kVectors * kWidth + e] = own[n].value[e];
  __syncthreads();
  tile.pack<Element>(operand, packed, pitch,
                     [&](int line, int step, float(&values)[kPerChunk<Element>]) {
                       for (int e = 0; e < kPerChunk<Element>; ++e)
                         values[e] = elements[step + e][line];
                     });
}

template <class Element>
Packed<Element> pack(std::string_view op, Device device, const Operand& operand) {
  const Packed<Element> out(operand.lines, operand.depth, device);
  const auto start = [&]<class Tile>(std::type_identity<Tile>, auto* kernel) {
    launch(op, device, kernel, static_cast<unsigned>(Tile::count(operand)), kThreads, operand,
           out.words.data(), out.pitch, static_cast<unsigned>(Tile::across(operand.depth)));
  };
  constexpr int kVector = kWidest<float>;
  if (operand.per_step == 1) {
    const bool vectors = operand.depth % kVector == 0 && in_vectors(operand.data, operand.per_line);
    start(std::type_identity<TileAlongDepth>{}, vectors ? &pack_along_depth_kernel<Element, kVector>
                                                        : &pack_along_depth_kernel<Element, 1>);
  } else {
    const bool vectors = operand.per_line == 1 && operand.lines % kVector == 0 &&
                         in_vectors(operand.data, operand.per_step);
    start(std::type_identity<TileAcrossDepth>{}, vectors
                                                     ? &pack_across_depth_kernel<Element, kVector>
                                                     : &pack_across_depth_kernel<Element, 1>);
  }
  return out;
}

}  // namespace rho::kernels::cuda
