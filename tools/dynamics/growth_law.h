// How fast the exponentiated margin grows.
#pragma once

#include "tools/dynamics/fit.h"

namespace rho::dynamics {

/// The line log(dR/dt) = log c + q log(log R) over the times from `from` on, where `log_r` holds
/// log R at the times `t`. For a network of K homogeneous layers q = 2 - 2 / K (TheoryIII eq. 68).
/// dR/dt comes from central differences in s = log(1 + t), not from the equation that is tested.
Line fit_growth(const Vector& t, const Vector& log_r, double from);

}  // namespace rho::dynamics
