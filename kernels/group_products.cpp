#include "kernels/group_products.h"

#include <cmath>
#include <span>

namespace rho::kernels {
namespace {

// The products of a tensor that does not have the peak: there n is 0.
SphereProducts without_normal(SphereProducts of) {
  of.vn = of.un = of.gn = of.nn = 0.0;
  return of;
}

// Undefined where there is none.
Tensor at_or_none(const std::vector<Tensor>& tensors, std::size_t t) {
  return tensors.empty() ? Tensor() : tensors[t];
}

// The products of a group, from those of its tensors.
GroupProducts sum_of(std::span<const std::vector<SphereProducts>> tensors, std::size_t rows,
                     double p) {
  GroupProducts out{std::vector<SphereProducts>(rows), std::vector<std::size_t>(rows, 0)};
  for (std::size_t t = 0; t < tensors.size(); ++t)
    for (std::size_t r = 0; r < rows; ++r) {
      const SphereProducts& part = tensors[t][r];
      SphereProducts& row = out.rows[r];
      if (!std::isinf(p)) {
        add_products(row, part);
      } else if (row.peak_index < 0 || !(part.peak <= row.peak)) {
        SphereProducts all = part;
        add_products(all, without_normal(row));
        row = all;
        out.peak_tensor[r] = t;
      } else {
        add_products(row, without_normal(part));
      }
    }
  return out;
}

}  // namespace

std::vector<GroupProducts> group_products(const std::vector<GroupVectors>& groups, double p) {
  std::vector<SphereVectors> all;
  std::vector<std::vector<SphereProducts>> found;
  for (const GroupVectors& group : groups)
    for (std::size_t t = 0; t < group.v.size(); ++t) {
      all.push_back({group.v[t], at_or_none(group.u, t), at_or_none(group.g, t)});
      found.emplace_back(group.rows);
    }
  if (!all.empty()) sphere_products(all, p, found);
  std::vector<GroupProducts> out;
  std::span<const std::vector<SphereProducts>> left(found);
  for (const GroupVectors& group : groups) {
    out.push_back(sum_of(left.first(group.v.size()), group.rows, p));
    left = left.subspan(group.v.size());
  }
  return out;
}

}  // namespace rho::kernels
