// The unit sphere of a p-norm: norm, normal, tangent projection, and the ways back onto it. A point
// is a list of tensors that share one norm (a layer's weight, with the bias for the first layer);
// all lists of one call have the same shapes and dtypes. p is 1 <= p <= infinity
// (std::numeric_limits<double>::infinity() for the maximum norm). Sums are in double.
#pragma once

#include <vector>

#include "kernels/norm.h"

namespace rho::optim {

using Tensors = std::vector<Tensor>;

using kernels::norm;

/// <a, b>.
double dot(const Tensors& a, const Tensors& b);

/// a x + b y, in new tensors, rounded once.
Tensor combine(double a, const Tensor& x, double b, const Tensor& y);
Tensors combine(double a, const Tensors& x, double b, const Tensors& y);

/// nu_i = d||v||_p / dv_i = sign(v_i) (|v_i| / ||v||_p)^(p-1) (TheoryIII 9.3, Issues' p-norm
/// projector). p = 1: sign(v); p = infinity: sign(v_j) at the first maximal coordinate j, else 0.
/// Throws where v is zero: the sphere has no normal there.
Tensors normal(const Tensors& v, double p);

/// S_p g = g - nu <nu, g> / ||nu||_2^2, with nu = normal(v, p) (WNBN eq. 6, TheoryIII eq. 53).
Tensors project(const Tensors& nu, const Tensors& g);

/// v / ||v||_p, in place (TheoryIII 9.2). Throws where v is zero.
void normalize(const Tensors& v, double p);

/// The great circle from v (||v||_2 = 1) along the tangent h: v cos||h|| + h sin||h|| / ||h||
/// (Douglas, Amari and Kung 2000), in new tensors. p = 2 only.
Tensors geodesic(const Tensors& v, const Tensors& h);

}  // namespace rho::optim
