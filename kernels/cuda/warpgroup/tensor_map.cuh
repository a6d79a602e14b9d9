// What the device's copies of tiles are told of a matrix.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include "kernels/cuda/runtime/check.cuh"

namespace rho::kernels::cuda {

/// A matrix [lines, depth] whose rows begin pitch_bytes after each other. Its tiles are box_lines
/// by box_depth, a row of at most 128 bytes, and lie in shared memory in the swizzle of 128 bytes:
/// the eight chunks of 16 bytes of a row change places, by the last three bits of the row's number.
struct TiledMatrix {
  CUtensorMapDataType type;
  void* data;
  int lines, depth;
  std::int64_t pitch_bytes;
  unsigned box_lines, box_depth;
};

/// The driver's function, without linking to the driver: the program is to run where there is none.
inline auto encode_tiled(std::string_view op) {
  constexpr auto kName = "cuTensorMapEncodeTiled";
  constexpr unsigned kVersion = 12000;  // of CUDA, which had it first
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  check_status(
      cudaGetDriverEntryPointByVersion(kName, &function, kVersion, cudaEnableDefault, &found), op);
  check(found == cudaDriverEntryPointSuccess && function != nullptr, op, "expects ", kName,
        " of CUDA 12.0 in the driver, found none");
  return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function);
}

inline CUtensorMap tensor_map(std::string_view op, const TiledMatrix& matrix) {
  static const auto encode = encode_tiled(op);
  // An array, which is aligned as the driver wants it: GCC 12 gives a value that is returned
  // whatever place the caller has, which it does not always align to 128 bytes.
  CUtensorMap map[1];
  const cuuint64_t extents[] = {static_cast<cuuint64_t>(matrix.depth),
                                static_cast<cuuint64_t>(matrix.lines)};
  const cuuint64_t strides[] = {static_cast<cuuint64_t>(matrix.pitch_bytes)};
  const cuuint32_t box[] = {matrix.box_depth, matrix.box_lines}, steps[] = {1, 1};
  const CUresult status =
      encode(map, matrix.type, 2, matrix.data, extents, strides, box, steps,
             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  check(status == CUDA_SUCCESS, op, "found no tensor map for a matrix of ", matrix.lines, " x ",
        matrix.depth, " in rows of ", matrix.pitch_bytes, " bytes: the driver says ",
        static_cast<int>(status));
  return map[0];
}

}  // namespace rho::kernels::cuda
