// Products (tiling.cuh says what one is) in the arithmetic that this thread asks for.
#pragma once

#include "kernels/cuda/tensor_core_product.cuh"
#include "kernels/cuda/tile_product.cuh"

namespace rho::kernels::cuda {

template <class T, int kWidth, class Problem>
void product_of_width(std::string_view op, Device device, const Problem& problem) {
  if constexpr (std::is_same_v<T, float>) {
    if (product_precision() == ProductPrecision::TensorFloat32)
      return tensor_core_product<TensorFloat32, kWidth>(op, device, problem);
    if (product_precision() == ProductPrecision::BFloat16)
      return tensor_core_product<BFloat16, kWidth>(op, device, problem);
  }
  tile_product<T, kWidth>(op, device, problem);
}

/// Solves a Problem of element type T on `device`. `in_vectors` says that every kWidest<T> elements
/// of an operand, from one that is a multiple of that on, lie next to each other in 16 bytes, or
/// are all in the padding; and those of the result in a row.
template <class T, class Problem>
void product(std::string_view op, Device device, const Problem& problem, bool in_vectors) {
  const auto first = problem.item(0);
  if (problem.items * first.rows * first.columns == 0) return;
  if (in_vectors)
    product_of_width<T, kWidest<T>>(op, device, problem);
  else
    product_of_width<T, 1>(op, device, problem);
}

}  // namespace rho::kernels::cuda
