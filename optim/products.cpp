#include "optim/products.h"

#include <cmath>

namespace rho::optim {
namespace {

using kernels::SphereProducts;

void add(SphereProducts& to, const SphereProducts& part) {
  to.vv += part.vv;
  to.vu += part.vu;
  to.vg += part.vg;
  to.uu += part.uu;
  to.ug += part.ug;
  to.gg += part.gg;
}

void add_normal(SphereProducts& to, const SphereProducts& part) {
  to.vn += part.vn;
  to.un += part.un;
  to.gn += part.gn;
  to.nn += part.nn;
}

// The normal of the maximum norm has one element: that of the tensor with the largest peak.
void take_normal(SphereProducts& to, const SphereProducts& part) {
  to.vn = part.vn;
  to.un = part.un;
  to.gn = part.gn;
  to.nn = part.nn;
  to.peak = part.peak;
  to.peak_index = part.peak_index;
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
      add(row, part[r]);
      if (!std::isinf(p)) {
        add_normal(row, part[r]);
      } else if (row.peak_index < 0 || !(part[r].peak <= row.peak)) {
        take_normal(row, part[r]);
        out.peak_tensor[r] = t;
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
