// Contracts of the two passes that a step on norm spheres is made of. A step lies in the space of
// four vectors: the point V, its velocity u, the gradient G and the sphere's normal n, with
// n_i = sign(V_i) |V_i|^(p-1) (p = infinity: sign(V_j) at the first largest |V_j|, else 0). The
// first pass takes their inner products, the optimizer finds coefficients from those alone, and the
// second pass moves. Each pass takes all parameters at once. Tensors are contiguous, of one
// floating dtype, and of one shape within a parameter. They are seen as rows, each on a sphere of
// its own: one row is a layer, size(0) rows are its output channels.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/slot.h"

namespace rho::kernels {

/// v V + u u + g G + n n.
struct Combination {
  double v = 0.0, u = 0.0, g = 0.0, n = 0.0;
};
inline constexpr Combination kPoint{1.0, 0.0, 0.0, 0.0}, kVelocity{0.0, 1.0, 0.0, 0.0},
    kGradient{0.0, 0.0, 1.0, 0.0}, kNormal{0.0, 0.0, 0.0, 1.0};

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

/// Where one row goes.
struct SphereMove {
  Combination point;       ///< V'
  Combination velocity;    ///< u'
  double weight = 1.0;     ///< of W = weight V'
  std::int64_t peak = -1;  ///< p = infinity: the position of n in the row; -1: n is 0 here
};

/// Where the results of one parameter go; u and w may be undefined, and are then not computed.
struct SphereOutputs {
  Tensor v, u, w;

  template <class Visit>
  void for_each_tensor(const Visit& visit) const {
    visit(v), visit(u), visit(w);
  }
};

/// to[t]: v = V', u = u' and w = weight V' with V' as it was rounded, each row of parameter t by
/// its own move rows[t][r]; computed in double. An output may be an input of the same parameter.
inline constinit Slot<void(const std::vector<SphereVectors>& of, double p,
                           const std::vector<std::vector<SphereMove>>& rows,
                           const std::vector<SphereOutputs>& to)>
    sphere_move{"sphere_move"};

}  // namespace rho::kernels
