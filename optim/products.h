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

/// The vectors of a group, in which u and g may be empty, and how many rows its tensors have.
struct GroupVectors {
  Tensors v, u, g;
  std::size_t rows = 1;

  /// Those of one tensor.
  kernels::SphereVectors at(std::size_t tensor) const;
};

/// Sums over the tensors of each group, in one pass over all of them.
std::vector<GroupProducts> products(const std::vector<GroupVectors>& groups, double p);

/// Where a group goes: by one move for each row of each tensor; `u` and `w` may be empty.
struct GroupMove {
  GroupVectors of;
  std::vector<std::vector<kernels::SphereMove>> rows;  ///< [tensor][row]
  Tensors v, u, w;
};

/// Moves all groups, in one pass over them.
void move(const std::vector<GroupMove>& groups, double p);

/// ||V||_p of a row, from its products with the normal of that p.
double length(const kernels::SphereProducts& of, double p);

}  // namespace rho::optim
