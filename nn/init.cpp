#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "kernels/copy.h"

namespace rho::nn {
namespace {

double dot(const double* a, const double* b, std::int64_t count, std::int64_t step) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) sum += a[i * step] * b[i * step];
  return sum;
}

/// Gram-Schmidt, twice for the digits that one pass loses, over `vectors` vectors of `length`
/// elements that are `step` apart.
void orthonormalize(double* data, std::int64_t vectors, std::int64_t length, std::int64_t between,
                    std::int64_t step) {
  for (std::int64_t v = 0; v < vectors; ++v) {
    double* const vector = data + v * between;
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t u = 0; u < v; ++u) {
        const double* const other = data + u * between;
        const double overlap = dot(vector, other, length, step);
        for (std::int64_t i = 0; i < length; ++i) vector[i * step] -= overlap * other[i * step];
      }
    const double norm = std::sqrt(dot(vector, vector, length, step));
    for (std::int64_t i = 0; i < length; ++i) vector[i * step] /= norm;
  }
}

}  // namespace

Tensor init_weight(const Shape& shape, const Init& init, Rng& rng, DType dtype) {
  check(shape.size() >= 2 && numel(shape) > 0, "init", "expects a weight [O, ..., I], found ",
        shape);
  Tensor weight = Tensor::empty(shape, DType::Float64);
  double* const data = weight.data<double>();
  const std::int64_t rows = shape[0], fan_in = weight.numel() / rows;
  const std::int64_t fan_out = weight.numel() / shape.back();
  const auto normal = [&](double std) {
    std::generate_n(data, weight.numel(), [&] { return std * rng.normal(); });
  };
  switch (init.kind) {
    case InitKind::He:
      normal(std::sqrt(2.0 / static_cast<double>(fan_in)));
      break;
    case InitKind::Glorot: {
      const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
      std::generate_n(data, weight.numel(), [&] { return limit * (2.0 * rng.uniform() - 1.0); });
      break;
    }
    case InitKind::Normal:
      check(init.std > 0.0 && std::isfinite(init.std), "init", "standard deviation ", init.std,
            ", expected a positive number");
      normal(init.std);
      break;
    case InitKind::Orthogonal:
      normal(1.0);
      if (rows <= fan_in)
        orthonormalize(data, rows, fan_in, fan_in, 1);
      else
        orthonormalize(data, fan_in, rows, 1, fan_in);
      break;
  }
  return kernels::to_dtype(weight, dtype);
}

}  // namespace rho::nn
