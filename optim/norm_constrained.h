// Gradient descent under a unit-norm constraint: a direction's method and a scale's, for every
// layer or output channel.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "kernels/sphere_step.h"
#include "optim/direction.h"
#include "optim/optimizer.h"
#include "optim/scale.h"
#include "optim/sphere.h"

namespace rho::optim {

struct NormConstrainedOptions {
  std::string direction = "tangent-gradient";  ///< a name of directions()
  double p = 2.0;                              ///< order of the norm, >= 1 or infinity
  double momentum = 0.0;                       ///< in [0, 1)
  bool nesterov = false;                       ///< needs momentum > 0
  /// Coefficient of rho^2 / 2 in the loss, >= 0; it acts on a learned rho only.
  double weight_decay = 0.0;
  std::string rho = "learned";     ///< see make_scale
  double rho_lr = -1.0;            ///< of a learned rho; negative: lr, as it is at each step
  std::int64_t retract_every = 1;  ///< steps between returns to the sphere, >= 1
  /// One norm and one rho for each output channel instead of each layer; the first layer's bias
  /// joins the channel that it belongs to.
  bool per_channel = false;
};

/// A constrained group's parameters are W = rho V with ||V||_p = 1. With G = dL/dW, dL/dV = rho G
/// and dL/drho = <V, G>. A step is made of
///   u   <- S_p (momentum u + pull G), in the tangent space of the point where it is used
///   g    = -lr (momentum u_before + pull G), or with `nesterov` -lr (momentum u + pull G)
///   V   <- the direction's turn along g (kernels/directions/), then back to the sphere
///   rho <- the scale's next value (optim/scale.h), from <V, G> before V moves
/// with pull = rho (the tangent gradient; see Direction). The first step is the one without
/// momentum. It is one operation over all parameters (kernels/sphere_step.h), on a CUDA device one
/// launch.
///
/// The other groups get plain SGD with the same lr and momentum and no weight decay. In a group
/// where only some tensors have a gradient, those of the others count as zero.
///
/// What is defined where a step can not be taken: a channel of norm 0 has no direction and stays 0
/// (a layer of norm 0 is an error from the start), and a row whose step would leave no V (V + g =
/// 0) stays where it is; both are counted as held. A step that the multiplier method can not take
/// at full length is shortened, which is counted. step() throws, naming the group, where rho would
/// not stay positive (a norm; past 0, W = rho V would have turned round instead of moving on the
/// sphere) or V overflows; nothing has changed then. For gradients that are not finite see
/// Optimizer::skip_nonfinite.
///
/// State: "GROUP/direction/i" (V), "GROUP/rho" and "GROUP/initial_rho" (one number a row),
/// "GROUP/shortened", "GROUP/held", "steps", and, where momentum > 0, "GROUP/velocity/i" (u).
class NormConstrained : public Optimizer {
 public:
  /// Starts from the values of the parameters, which it leaves as they are. Throws where an option
  /// is out of its range, where no group is constrained, and, naming the group, where a constrained
  /// group's norm is not positive and finite.
  NormConstrained(std::vector<Group> groups, double lr, const NormConstrainedOptions& options = {});

  State entries() const override;
  std::vector<GroupAudit> audit(double p) const override;
  bool uses_margin() const override { return scale_->uses_margin(); }
  void observe_margin(double margin) override { margin_ = margin; }
  bool is_replayable() const override { return Optimizer::is_replayable() && !uses_margin(); }

 private:
  /// Where one constrained group is; vectors and rho have one number a row.
  struct Block {
    std::size_t group = 0;
    std::size_t first = 0;  // number of its first row, of the rows of all blocks
    Tensors direction, velocity;
    Tensor rho, initial_rho, shortened, held;
    // Of the last step, for the audit: V before it, ||V|| that was divided by, the largest force.
    Tensors before;
    std::vector<double> lengths;
    double force = 0.0;

    std::size_t rows() const { return static_cast<std::size_t>(rho.numel()); }
  };
  /// A constrained group in a step, and, for the audit, V before it.
  struct Stepped {
    Block* block;
    Tensors before;
  };

  void prepare_step() override;
  void enqueue_step() override;
  const Group* conclude_step() override;
  Block start(std::size_t group) const;
  Tensors gradients(const Group& group) const;
  kernels::SphereGroup vectors_of(const Block& block, Tensors gradients);
  void expect_possible(const Block& block) const;
  void commit(Stepped& stepped);
  std::span<const kernels::SphereResult> results_of(const Block& block) const;
  bool retracts(double steps) const;
  std::size_t rows_of(const Group& group) const;

  NormConstrainedOptions options_;
  const Direction& direction_;
  std::unique_ptr<Scale> scale_;
  std::vector<Block> blocks_;
  std::vector<Tensors> free_velocity_;  // [group][tensor] of those that are not constrained
  Tensor steps_;
  double margin_ = 0.0;
  Shared<kernels::SphereStep> step_;
  Shared<kernels::SphereRow> rows_;
  Shared<kernels::SphereResult> results_;  // of the rows, and of the parameters on no sphere
  std::vector<Stepped> stepped_;           // in this step
};

}  // namespace rho::optim
