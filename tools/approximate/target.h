// The functions of 8 variables that networks are fitted to (Issues section 1).
#pragma once

#include <string>
#include <vector>

#include "autograd/variable.h"

namespace rho::approximate {

inline constexpr std::int64_t kVariables = 8;

/// x [N, 8] in I^8 -> f(x) [N, 1], in the dtype of x and differentiable, for
///   "compositional"  f = h3(h21(h11(x1, x2), h12(x3, x4)), h22(h13(x5, x6), h14(x7, x8)))
///   "permuted"       f(x1, x5, x3, x7, x2, x6, x4, x8): compositional too, but no node of its tree
///                    is on the same variables as one of the tree above, except the root
/// with h(a, b) = tanh(alpha a + beta b + gamma a b + delta), of other coefficients in each node
/// (target.cpp). Throws for an unknown name, with the known ones.
Variable target(const std::string& name, const Variable& x);

const std::vector<std::string>& target_names();

}  // namespace rho::approximate
