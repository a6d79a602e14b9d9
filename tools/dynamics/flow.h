// The gradient flows of the theory, each in the coordinates in which it is written.
#pragma once

#include <memory>
#include <string>

#include "tools/dynamics/system.h"

namespace rho::dynamics {

/// dx/dt = velocity(x, t) in some coordinates x of the weights. G = dL/dW of a layer.
class Flow {
 public:
  virtual ~Flow() = default;
  Flow() = default;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  /// The coordinates of the weights w at t = 0.
  virtual Vector coordinates(const Vector& w) const = 0;
  virtual Vector weights(const Vector& x) const = 0;
  virtual Vector velocity(const Vector& x, double t) = 0;
};

/// Flows of `system`, which must outlive them, by name; rho_k and V_k are those of each layer, and
/// S = I - V V^T:
///   "gradient"              dW = -G                                (TheoryIII eq. 7)
///   "polar-gradient"        drho = -<V, G>, dV = -S G / rho        (TheoryIII eq. 8-9)
///   "weight-normalization"  drho = -<V, G>, dV = -rho S G          (TheoryIII eq. 55-58, ||v|| =
///   1;
///                           it is the tangent gradient with a learned rho, WNBN eq. 6)
///   "fixed"                 rho stays as it is, dV = -rho S G      (TheoryIII 11.2, remark 1)
///   "linear:RATE"           rho = rho(0) + RATE t, dV as before
///   "log:C"                 rho = rho(0) + C log(1 + t), dV as before
/// Throws for other names.
std::unique_ptr<Flow> make_flow(const std::string& name, System& system);

}  // namespace rho::dynamics
