// The methods by which a direction V can move (kernels/directions.h), by name.
#pragma once

#include <string>
#include <vector>

#include "kernels/direction.h"

namespace rho::optim {

using kernels::Return;

/// A method, as its rule describes it.
struct Direction {
  int number;  ///< in kernels::Directions
  const char* name;
  const char* help;
  double (*pull)(double rho, double length);  ///< length = ||V||_2
  Return back;
  bool any_p;  ///< false: p = 2 only
};

/// The method of this name. Throws, with the known ones, where there is none.
const Direction& find_direction(const std::string& name);

/// True where `name` is one of directions(): an optimizer that keeps layers on spheres.
bool is_norm_constrained(const std::string& name);

/// All methods, "tangent-gradient" first.
const std::vector<Direction>& directions();

}  // namespace rho::optim
