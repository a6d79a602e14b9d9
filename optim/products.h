// The inner products of a group of tensors that share one norm, or one for each row.
#pragma once

#include <vector>

#include "kernels/sphere_step.h"
#include "optim/sphere.h"

namespace rho::optim {

struct GroupProducts {
  std::vector<kernels::SphereProducts> rows;
  std::vector<std::size_t> peak_tensor;  ///< p = infinity: which tensor has the row's peak
};

/// Sums over the tensors; u and g may be empty. Every tensor is seen as `rows` rows.
GroupProducts products(const Tensors& v, const Tensors& u, const Tensors& g, double p,
                       std::size_t rows);

/// ||V||_p of a row, from its products with the normal of that p.
double length(const kernels::SphereProducts& of, double p);

}  // namespace rho::optim
