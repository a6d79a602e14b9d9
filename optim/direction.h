// How a method moves the direction V of a weight W = rho V: a rule over the four vectors of
// kernels/sphere_step.h. One header each in directions/; the scale rho moves by optim/scale.h.
#pragma once

#include <string>

#include "kernels/sphere_step.h"

namespace rho::optim {

using kernels::Combination;
using kernels::inner;
using kernels::kGradient;
using kernels::kNormal;
using kernels::kPoint;
using kernels::kVelocity;
using kernels::SphereProducts;

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

/// A method. `turn` takes the products of one row and the step g = -lr (momentum u + pull G) that
/// the loss asks for; `pull` is what turns G = dL/dW into the gradient of V.
struct Direction {
  const char* name;
  const char* help;
  Turn (*turn)(const SphereProducts& of, const Combination& g);
  double (*pull)(double rho, double length);  ///< length = ||V||_2
  Return back;
  bool any_p;  ///< false: p = 2 only
};

/// S_p a = a - n <n, a> / <n, n>.
inline Combination project(const SphereProducts& of, const Combination& a) {
  return a + (-inner(of, kNormal, a) / of.nn) * kNormal;
}

/// The force that keeps a projected step in the tangent space.
inline double force(const SphereProducts& of, const Combination& g) {
  return -inner(of, kNormal, g) / of.nn;
}

/// The method of this name. Throws, with the known ones, where there is none.
const Direction& find_direction(const std::string& name);

/// True where `name` is one of directions(): an optimizer that keeps layers on spheres.
bool is_norm_constrained(const std::string& name);

/// The names of all methods, "tangent-gradient" first.
const std::vector<Direction>& directions();

}  // namespace rho::optim
