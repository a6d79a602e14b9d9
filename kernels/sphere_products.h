// What a step on norm spheres sees of the parameters: inner products. A step lies in the space of
// four vectors: the point V, its velocity u, the gradient G and the sphere's normal n, with
// n_i = sign(V_i) |V_i|^(p-1) (p = infinity: sign(V_j) at the first largest |V_j|, else 0). Tensors
// are contiguous, of one floating dtype, and of one shape within a parameter. They are seen as
// rows, each on a sphere of its own: one row is a layer, size(0) rows are its output channels.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/slot.h"

namespace rho::kernels {

/// v V + u u + g G + n n.
struct Combination {
  double v = 0.0, u = 0.0, g = 0.0, n = 0.0;
};
constexpr Combination along_point(double by) { return {by, 0.0, 0.0, 0.0}; }
constexpr Combination along_velocity(double by) { return {0.0, by, 0.0, 0.0}; }
constexpr Combination along_gradient(double by) { return {0.0, 0.0, by, 0.0}; }
constexpr Combination along_normal(double by) { return {0.0, 0.0, 0.0, by}; }

constexpr Combination operator+(const Combination& a, const Combination& b) {
  return {a.v + b.v, a.u + b.u, a.g + b.g, a.n + b.n};
}
constexpr Combination operator*(double s, const Combination& a) {
  return {s * a.v, s * a.u, s * a.g, s * a.n};
}

/// The inner products of one row; those of a vector that is not given are 0.
struct SphereProducts {
  double vv = 0.0, vu = 0.0, vg = 0.0, vn = 0.0;
  double uu = 0.0, ug = 0.0, un = 0.0;
  double gg = 0.0, gn = 0.0;
  double nn = 0.0;
  double peak = 0.0;             ///< p = infinity: the largest |V_j|
  std::int64_t peak_index = -1;  ///< and its first position in the row
};

/// Adds the products of more elements of one row; the peak stays that of `to`.
constexpr void add_products(SphereProducts& to, const SphereProducts& part) {
  to.vv += part.vv;
  to.vu += part.vu;
  to.vg += part.vg;
  to.vn += part.vn;
  to.uu += part.uu;
  to.ug += part.ug;
  to.un += part.un;
  to.gg += part.gg;
  to.gn += part.gn;
  to.nn += part.nn;
}

/// <a, b>, from the products of the vectors that they combine.
constexpr double inner(const SphereProducts& of, const Combination& a, const Combination& b) {
  return a.v * (b.v * of.vv + b.u * of.vu + b.g * of.vg + b.n * of.vn) +
         a.u * (b.v * of.vu + b.u * of.uu + b.g * of.ug + b.n * of.un) +
         a.g * (b.v * of.vg + b.u * of.ug + b.g * of.gg + b.n * of.gn) +
         a.n * (b.v * of.vn + b.u * of.un + b.g * of.gn + b.n * of.nn);
}

/// The vectors of one parameter; u and g may be undefined.
struct SphereVectors {
  Tensor v, u, g;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(v), visit(u), visit(g);
  }
};

/// Sets rows[t][r] for every row r of parameter t; rows[t] has as many entries as that has rows.
/// Sums are in double over chunks that depend on the shape alone: the same bits on any number of
/// threads.
inline constinit Slot<void(const std::vector<SphereVectors>& of, double p,
                           std::vector<std::vector<SphereProducts>>& rows)>
    sphere_products{"sphere_products"};

}  // namespace rho::kernels
