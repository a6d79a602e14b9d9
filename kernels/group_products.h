// The inner products of a group of tensors that share one norm, or one for each row.
#pragma once

#include "kernels/sphere_products.h"

namespace rho::kernels {

struct GroupProducts {
  std::vector<SphereProducts> rows;
  std::vector<std::size_t> peak_tensor;  ///< p = infinity: which tensor has the row's peak
};

/// The vectors of a group, in which u and g may be empty, and how many rows its tensors have.
struct GroupVectors {
  std::vector<Tensor> v, u, g;
  std::size_t rows = 1;
};

/// Sums over the tensors of each group, in one pass over all of them.
std::vector<GroupProducts> group_products(const std::vector<GroupVectors>& groups, double p);

}  // namespace rho::kernels
