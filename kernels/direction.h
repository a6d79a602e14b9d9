// How a method moves the direction V of a weight W = rho V: a rule over the four vectors of
// kernels/sphere_products.h. One header each in directions/; their text is the same on every
// device, so functions of theirs with a root in every path are templates, which may be constexpr.
#pragma once

#include "kernels/sphere_products.h"

namespace rho::kernels {

/// What a rule makes of one step.
struct Turn {
  Combination point;   ///< V'
  double force = 0.0;  ///< of n: what the constraint adds to the step, p lambda (TheoryIII eq. 47)
  bool shortened = false;  ///< the whole step could not be taken
};

/// How V returns to its sphere after a rule's step.
enum class Return {
  Scheduled,  ///< V / ||V||_p every so many steps: the rule leaves the sphere by O(lr^2)
  Always,     ///< V / ||V||_p is the method
  Never,      ///< the rule's own result is on the sphere
  Free,       ///< V keeps any length: W = rho V / ||V||
};

/// S_p a = a - n <n, a> / <n, n>.
constexpr Combination project(const SphereProducts& of, const Combination& a) {
  return a + along_normal(-inner(of, along_normal(1.0), a) / of.nn);
}

/// The force that keeps a projected step in the tangent space.
constexpr double force(const SphereProducts& of, const Combination& g) {
  return -inner(of, along_normal(1.0), g) / of.nn;
}

// A rule is a class with static members: `name` and `help`; `back`; `any_p`, false: p = 2 only;
// pull(rho, ||V||_2), what turns G = dL/dW into the gradient of V; and turn(of, g), which takes the
// products of one row and the step g = -lr (momentum u + pull G) that the loss asks for.

}  // namespace rho::kernels
