// The p-norm of several tensors together, 1 <= p <= infinity (infinity: the maximum norm).
#pragma once

#include <optional>
#include <vector>

#include "kernels/sphere.h"

namespace rho::kernels {

/// The largest magnitude over all tensors, and the tensor that holds it.
struct GroupPeak : Peak {
  std::size_t tensor = 0;
};

/// NaN as soon as one element is; index -1 where there is no element. Contiguous tensors.
GroupPeak abs_max_of(const std::vector<Tensor>& tensors);

/// The first tensor with an element that is not finite. Contiguous tensors.
std::optional<std::size_t> first_nonfinite(const std::vector<Tensor>& tensors);

/// Throws, naming `op`, unless 1 <= p <= infinity.
void check_norm_order(double p, std::string_view op);

/// (sum_i |x_i|^p)^(1/p) in double, without overflow or underflow; 0 for nothing; NaN or infinity
/// where an element is. Contiguous tensors, float32 or float64.
double norm(const std::vector<Tensor>& tensors, double p);

}  // namespace rho::kernels
