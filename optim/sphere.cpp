#include "optim/sphere.h"

#include <cmath>

#include "kernels/fill.h"
#include "kernels/sphere.h"

namespace rho::optim {
double dot(const Tensors& a, const Tensors& b) {
  double total = 0.0;
  for (std::size_t t = 0; t < a.size(); ++t) {
    double sum = 0.0;
    kernels::dot(a[t], b[t], sum);
    total += sum;
  }
  return total;
}

Tensor combine(double a, const Tensor& x, double b, const Tensor& y) {
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  kernels::linear_combination(a, x, b, y, out);
  return out;
}

Tensors combine(double a, const Tensors& x, double b, const Tensors& y) {
  Tensors out;
  for (std::size_t t = 0; t < x.size(); ++t) out.push_back(combine(a, x[t], b, y[t]));
  return out;
}

Tensors normal(const Tensors& v, double p) {
  kernels::check_norm_order(p, "sphere");
  const double length = norm(v, p);
  check(length > 0.0, "sphere", "normal at a point of norm ", length, ", expected a positive norm");
  Tensors out;
  for (const Tensor& tensor : v)
    out.push_back(kernels::zeros(tensor.shape(), tensor.dtype(), tensor.device()));
  if (std::isinf(p)) {
    const kernels::GroupPeak peak = kernels::abs_max_of(v);
    const std::size_t t = peak.tensor;
    const Tensor source = v[t].view({-1}).slice(0, peak.index, peak.index + 1);
    const Tensor target = out[t].view({-1}).slice(0, peak.index, peak.index + 1);
    kernels::sphere_normal(source, 1.0, length, target);  // the sign
    return out;
  }
  for (std::size_t t = 0; t < v.size(); ++t) kernels::sphere_normal(v[t], p, length, out[t]);
  return out;
}

Tensors project(const Tensors& nu, const Tensors& g) {
  return combine(1.0, g, -dot(nu, g) / dot(nu, nu), nu);
}

void normalize(const Tensors& v, double p) {
  const double length = norm(v, p);
  check(length > 0.0 && std::isfinite(length), "sphere", "normalizes a point of norm ", length,
        ", expected a positive finite norm");
  // Twice, since 1 / length may overflow: first to a magnitude near 1, then exactly.
  const double power = std::exp2(-std::ilogb(length) / 2);
  for (const Tensor& tensor : v) {
    kernels::linear_combination(power, tensor, 0.0, tensor, tensor);
    kernels::linear_combination(1.0 / (length * power), tensor, 0.0, tensor, tensor);
  }
}

Tensors geodesic(const Tensors& v, const Tensors& h) {
  const double angle = norm(h, 2.0);
  return combine(std::cos(angle), v, angle == 0.0 ? 1.0 : std::sin(angle) / angle, h);
}

}  // namespace rho::optim
