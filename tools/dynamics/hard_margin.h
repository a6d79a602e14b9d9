// The hard-margin support vector machine, by libsvm.
#pragma once

#include "tools/dynamics/examples.h"

namespace rho::dynamics {

struct HardMargin {
  Vector direction;          ///< the unit vector v that maximizes min_n y_n <v, x_n>
  double margin = 0.0;       ///< that minimum
  std::size_t supports = 0;  ///< how many examples attain it, up to 1e-4 of it
};

/// Through the origin, without a bias of its own. Throws where no hyperplane through the origin
/// separates the examples.
HardMargin hard_margin(const Examples& examples);

}  // namespace rho::dynamics
