// How the norms rho of the layers move, apart from their directions V.
#pragma once

#include <memory>
#include <string>

#include "kernels/sphere_step.h"

namespace rho::optim {

/// What is known of a step, alike for every rho.
struct ScaleStep {
  double lr = 0.0;      ///< of the weights
  double steps = 0.0;   ///< t: steps taken, this one included
  double layers = 1.0;  ///< K: how many layers share what the scale of the network gains
  double margin = 0.0;  ///< mean margin of the batch; 0 where nobody told
};

class Scale {
 public:
  virtual ~Scale() = default;
  /// The next rho of every row, from dL/drho = <V, G> among others.
  virtual kernels::ScaleRule rule(const ScaleStep& step) const = 0;
  /// True where rule() wants the margin of every batch.
  virtual bool uses_margin() const { return false; }
};

/// From a text:
///   "learned"      rho - rho_lr (dL/drho + weight_decay rho), rho_lr < 0 standing for lr
///   "fixed"        the initial rho
///   "linear:RATE"  rho_0 + RATE t
///   "log:C"        rho_0 + C log(1 + t), as under gradient descent (TheoryIII section 12)
///   "margin:C"     adaptive (TheoryIII 11.2, remark 1): grows by at most 1 % a step, all layers by
///                  one factor, while the batch's mean margin of f = rho f~ is positive and below
///                  C log(1 + t); never shrinks
/// Throws, naming `op`, for any other text, and for a weight decay where rho is not learned.
std::unique_ptr<Scale> make_scale(const std::string& text, double rho_lr, double weight_decay,
                                  const std::string& op);

}  // namespace rho::optim
