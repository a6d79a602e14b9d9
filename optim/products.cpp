#include "optim/products.h"

#include <cmath>

namespace rho::optim {
namespace {

using kernels::SphereProducts;

// The products of a tensor that does not have the peak: there n is 0.
SphereProducts without_normal(SphereProducts of) {
  of.vn = of.un = of.gn = of.nn = 0.0;
  return of;
}

}  // namespace

GroupProducts products(const Tensors& v, const Tensors& u, const Tensors& g, double p,
                       std::size_t rows) {
  GroupProducts out{std::vector<SphereProducts>(rows), std::vector<std::size_t>(rows, 0)};
  std::vector<SphereProducts> part(rows);
  for (std::size_t t = 0; t < v.size(); ++t) {
    kernels::sphere_products(v[t], u.empty() ? Tensor() : u[t], g.empty() ? Tensor() : g[t], p,
                             part);
    for (std::size_t r = 0; r < rows; ++r) {
      SphereProducts& row = out.rows[r];
      if (!std::isinf(p)) {
        add_products(row, part[r]);
      } else if (row.peak_index < 0 || !(part[r].peak <= row.peak)) {
        SphereProducts all = part[r];
        add_products(all, without_normal(row));
        row = all;
        out.peak_tensor[r] = t;
      } else {
        add_products(row, without_normal(part[r]));
      }
    }
  }
  return out;
}

double length(const SphereProducts& of, double p) {
  if (std::isinf(p)) return of.peak;
  if (p == 1.0) return of.vn;
  return p == 2.0 ? std::sqrt(of.vv) : std::pow(of.vn, 1.0 / p);
}

}  // namespace rho::optim
