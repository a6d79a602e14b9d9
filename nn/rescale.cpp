#include "nn/rescale.h"

#include <algorithm>
#include <cmath>

#include "kernels/copy.h"

namespace rho::nn {
namespace {

/// Replaces each value v by change(v), computed in double and rounded once.
template <class Change>
void change_values(Variable& parameter, Change change) {
  std::vector<double> values = parameter.value().to_vector<double>();
  std::transform(values.begin(), values.end(), values.begin(), change);
  parameter.set_value(
      kernels::to_dtype(Tensor::from(values, parameter.shape()), parameter.dtype()));
}

}  // namespace

double p_norm(const std::vector<Tensor>& tensors, double p) {
  check(p >= 1.0, "norm", "p = ", p, ", expected 1 <= p <= inf");
  std::vector<double> values;
  for (const Tensor& t : tensors) {
    const std::vector<double> part = t.to_vector<double>();
    values.insert(values.end(), part.begin(), part.end());
  }
  double largest = 0.0;
  for (const double value : values)
    if (!(std::abs(value) <= largest)) largest = std::abs(value);
  if (largest == 0.0 || !std::isfinite(largest) || std::isinf(p)) return largest;
  // Powers of values of at most 1: nothing overflows, and what underflows does not count.
  double sum = 0.0;
  for (const double value : values) sum += std::pow(std::abs(value) / largest, p);
  return largest * std::pow(sum, 1.0 / p);
}

void rescale_weighted(Rescaling& state, const std::string& name, Variable weight, Variable bias) {
  std::vector<Tensor> counted{weight.value()};
  if (state.first && bias.defined()) counted.push_back(bias.value());
  const double norm = p_norm(counted, state.p);
  check(norm > 0.0 && std::isfinite(norm), "normalize", "layer ", name, " has norm ", norm,
        ", expected a positive number");
  state.first = false;
  state.log_scale += std::log(norm);
  state.layers.push_back({name, norm});
  if (!state.apply) return;
  // Divisions: the reciprocal of a small norm, or of c, can overflow where the quotient does not.
  change_values(weight, [&](double w) { return w / norm; });
  if (!bias.defined()) return;
  change_values(bias, [&](double b) {
    return std::copysign(std::exp(std::log(std::abs(b)) - state.log_scale), b);
  });
  for (const double b : bias.value().to_vector<double>())
    check(std::isfinite(b), "normalize", "layer ", name,
          " has a bias that, divided by its scale e^", state.log_scale, ", is ", b,
          ", expected a finite number");
}

}  // namespace rho::nn
