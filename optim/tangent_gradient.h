// Tangent gradient: every constrained group moves on the unit sphere of a p-norm.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "optim/sgd.h"
#include "optim/sphere.h"

namespace rho::optim {

struct TangentGradientOptions {
  double p = 2.0;         ///< order of the norm, >= 1 or infinity
  double momentum = 0.0;  ///< in [0, 1)
  bool nesterov = false;  ///< needs momentum > 0
  /// Coefficient of rho^2 / 2 in the loss, >= 0; it acts on a learned rho only.
  double weight_decay = 0.0;
  /// "learned", "fixed" (at the initial norm), or a function of the number t of steps taken:
  /// "linear:RATE" (rho0 + RATE t), "log:C" (rho0 + C log(1 + t)).
  std::string rho = "learned";
  double rho_lr = -1.0;            ///< of a learned rho; negative: lr, as it is at each step
  std::int64_t retract_every = 1;  ///< steps between returns to the sphere, >= 1
};

/// A constrained group's parameters are W = rho V with ||V||_p = 1. With G = dL/dW, dL/dV = rho G
/// and dL/drho = <V, G>; nu is the normal of the sphere and S_p the projection onto its tangent
/// space, both at V. One step (WNBN eq. 6, TheoryIII eq. 53 and 57-58):
///   u   <- S_p (momentum u + rho G)
///   V   <- V - lr u, or with `nesterov` V - lr S_p (momentum u + rho G)
///   V   <- V / ||V||_p, every `retract_every` steps; in between ||V||_p drifts by O(lr^2) a step
///   rho <- rho - rho_lr (<V, G> + weight_decay rho), or its schedule's value
/// where <V, G> is taken before V moves. Projecting momentum u carries the velocity into the
/// tangent space of the point where it is used; the first step is the one without momentum.
///
/// The other groups get plain SGD with the same lr and momentum and no weight decay. In a group
/// where only some tensors have a gradient, those of the others count as zero.
///
/// step() throws, naming the group, where rho would not stay positive (a norm; past 0, W = rho V
/// would have turned round instead of moving on the sphere). Nothing has changed then.
///
/// State: "GROUP/direction/i" (V), "GROUP/rho", "GROUP/initial_rho", "steps", and, where
/// momentum > 0, "GROUP/velocity/i" (u).
class TangentGradient : public Optimizer {
 public:
  /// Starts from the values of the parameters, which it leaves as they are. Throws where an option
  /// is out of its range, and, naming the group, where a constrained group's norm is not positive
  /// and finite.
  TangentGradient(std::vector<Group> groups, double lr, const TangentGradientOptions& options = {});

  void step() override;
  State entries() const override;

 private:
  /// Where one constrained group is.
  struct Point {
    std::size_t group = 0;
    Tensors direction, velocity;
    Tensor rho, initial_rho;
  };
  using Growth = std::function<double(double steps)>;

  static Growth parse_growth(const std::string& rho);
  Point start(std::size_t group) const;
  Tensors gradients(const Group& group) const;
  Point moved(const Point& from, const Tensors& g, double steps) const;
  double next_rho(const Point& from, const Tensors& g, double steps) const;

  TangentGradientOptions options_;
  Growth growth_;  // of rho since the start; empty where rho is learned
  std::vector<Point> points_;
  Tensor steps_;
  Sgd unconstrained_;
};

}  // namespace rho::optim
