#include "nn/rescale.h"

#include <algorithm>
#include <cmath>

#include "kernels/copy.h"
#include "kernels/norm.h"

namespace rho::nn {
namespace {

/// Replaces each value v by change(v), computed in double and rounded once.
template <class Change>
void change_values(Variable& parameter, Change change) {
  std::vector<double> values = parameter.value().to_vector<double>();
  std::transform(values.begin(), values.end(), values.begin(), change);
  parameter.set_value(kernels::with_values(parameter.value(), values));
}

}  // namespace

void rescale_weighted(Rescaling& state, const std::string& name, Variable weight, Variable bias) {
  std::vector<Tensor> counted{kernels::contiguous(weight.value())};
  if (state.first && bias.defined()) counted.push_back(kernels::contiguous(bias.value()));
  const double norm = kernels::norm(counted, state.p);
  check(norm > 0.0 && std::isfinite(norm), "normalize", "layer ", name, " has norm ", norm,
        ", expected a positive number");
  state.first = false;
  state.log_scale += std::log(norm) - std::log(state.layer_norm);
  state.layers.push_back({name, norm});
  if (!state.apply) return;
  // Divisions: the reciprocal of a small norm, or of c, can overflow where the quotient does not.
  change_values(weight, [&](double w) { return w / norm * state.layer_norm; });
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
