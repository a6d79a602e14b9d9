// Reductions over dimensions (negative dimensions count from the end).
#pragma once

#include "autograd/variable.h"

namespace rho {

Variable sum(const Variable& x);  ///< over everything, to shape []
Variable sum(const Variable& x, const Dims& dims, bool keepdim = false);
Variable mean(const Variable& x);
Variable mean(const Variable& x, const Dims& dims, bool keepdim = false);
/// Largest value along one dimension; the gradient goes to its first occurrence.
Variable max(const Variable& x, std::int64_t dim, bool keepdim = false);
/// Index (int64) of the first largest value along one dimension, which is dropped.
Tensor argmax(const Tensor& x, std::int64_t dim);
/// Sums x over the dimensions along which `shape` was broadcast, giving `shape`.
Variable sum_to(const Variable& x, const Shape& shape);

}  // namespace rho
