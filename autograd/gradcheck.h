// Derivatives checked against central differences, for tests and for users' own operations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace rho {

struct GradcheckResult {
  bool ok = true;
  double max_error = 0.0;  ///< largest |analytic - numeric| / max(1, |analytic|, |numeric|)
  std::string message;     ///< where it failed: input, element, both values

  explicit operator bool() const { return ok; }
};

using DifferentiableFunction = std::function<Variable(const std::vector<Variable>&)>;

/// Compares grad() of a random (fixed) linear functional of f with central differences of step
/// `eps`, for every element of every input. `inputs` are float64; those that require no gradient
/// are held fixed. Throws where an input has another dtype. NaN fails.
GradcheckResult gradcheck(const DifferentiableFunction& f, std::vector<Variable> inputs,
                          double eps = 1e-6, double tol = 1e-5);

/// gradcheck of the gradient itself, by the inputs and by the grad_output: second derivatives.
GradcheckResult gradgradcheck(const DifferentiableFunction& f, std::vector<Variable> inputs,
                              double eps = 1e-6, double tol = 1e-5);

}  // namespace rho
