// What a step did to the constraints: one record a group of tensors that share a norm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rho::optim {

/// A constrained group after a step. With a norm for each output channel, the largest value over
/// the channels. Under a method without a constraint (sgd, adam, langevin) it is the flow of
/// V = W / ||W|| that the step implies (TheoryIII eq. 8-9).
struct GroupAudit {
  std::string group;
  double rho = 0.0;             ///< of the whole group: (sum over channels rho^p)^(1/p)
  double norm_deviation = 0.0;  ///< | ||V||_p - 1 |
  /// |<n, dV>| / (||n|| ||dV||) with dV the step before V is brought back to the sphere, n the
  /// normal where it started: at rounding level for projected steps, O(lr) for the other methods;
  /// 0 where nothing moved. Implied flow: the share of dW that went into rho.
  double tangency = 0.0;
  /// lambda: the step along G gets + p lambda n (TheoryIII eq. 47; p = 2: alpha = 1 + 2 lambda, eq.
  /// 50). p = infinity: + lambda n. Implied flow: -<V, dW> / 2 / rho, of the same step projected.
  double multiplier = 0.0;
  std::int64_t shortened = 0;  ///< steps so far that no multiplier allows at full length
  std::int64_t held = 0;       ///< rows so far that stayed: of norm 0, or the step would leave no V
};

}  // namespace rho::optim
