#include "optim/direction.h"

#include <algorithm>

#include "optim/directions/coefficient_normalization.h"
#include "optim/directions/lagrange_multiplier.h"
#include "optim/directions/polar_gradient.h"
#include "optim/directions/tangent_gradient.h"
#include "optim/directions/true_gradient.h"
#include "optim/directions/weight_normalization.h"

namespace rho::optim {

namespace {

// Null where there is no such method.
const Direction* lookup(const std::string& name) {
  const auto found = std::find_if(directions().begin(), directions().end(),
                                  [&](const Direction& one) { return one.name == name; });
  return found == directions().end() ? nullptr : &*found;
}

}  // namespace

const std::vector<Direction>& directions() {
  static const std::vector<Direction> all{kTangentGradient,     kCoefficientNormalization,
                                          kLagrangeMultiplier,  kTrueGradient,
                                          kWeightNormalization, kPolarGradient};
  return all;
}

bool is_norm_constrained(const std::string& name) { return lookup(name) != nullptr; }

const Direction& find_direction(const std::string& name) {
  if (const Direction* const found = lookup(name)) return *found;
  std::string names;
  for (const Direction& one : directions())
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  fail("optimizer", "unknown direction \"", name, "\", expected one of: ", names);
}

}  // namespace rho::optim
