// What the optimizers' steps ask before they change anything.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/norm.h"
#include "tensor/shared.h"

namespace rho::kernels::cpu {

/// The number of the first parameter whose gradient is not finite.
template <class Vectors>
std::optional<std::size_t> first_nonfinite_gradient(const std::vector<Vectors>& parameters) {
  std::vector<Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Vectors& of : parameters) gradients.push_back(of.grad);
  return first_nonfinite(gradients);
}

/// Sets `nonfinite` to that, or to -1. Whether there is one.
template <class Vectors>
bool note_nonfinite(const std::vector<Vectors>& parameters, const Shared<std::int64_t>& nonfinite) {
  const auto found = first_nonfinite_gradient(parameters);
  nonfinite.front() = found ? static_cast<std::int64_t>(*found) : -1;
  return found.has_value();
}

}  // namespace rho::kernels::cpu
