// What the optimizers' steps ask before they change anything.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/norm.h"
#include "tensor/shared.h"

namespace rho::kernels::cpu {

/// Sets `nonfinite` to the first parameter's number whose gradient is not finite, or -1. Whether
/// there is one.
template <class Vectors>
bool note_nonfinite(const std::vector<Vectors>& parameters, const Shared<std::int64_t>& nonfinite) {
  std::vector<Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Vectors& of : parameters) gradients.push_back(of.grad);
  const auto found = first_nonfinite(gradients);
  nonfinite.front() = found ? static_cast<std::int64_t>(*found) : -1;
  return found.has_value();
}

}  // namespace rho::kernels::cpu
