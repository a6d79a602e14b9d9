// What every optimizer shares: groups of parameters, a learning rate, a step, a state to save.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "optim/audit.h"
#include "tensor/shared.h"

namespace rho::optim {

/// The tensors that share one norm: a layer's weight (with the bias, for the first layer).
struct Group {
  std::string name;  ///< different in every group
  std::vector<Variable> tensors;
  bool constrained = false;  ///< on a unit sphere; biases and batch-norm parameters are not
};

/// Named tensors (float64 or the parameter's dtype) from which training resumes bit for bit.
using State = std::vector<std::pair<std::string, Tensor>>;

class Optimizer {
 public:
  /// Throws where lr is not positive and finite, or two groups have one name.
  Optimizer(std::vector<Group> groups, double lr);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update from the gradients in the groups' tensors, which are left as they are. Parameters
  /// without a gradient stay. When a gradient is not finite nothing changes: the step throws,
  /// naming the group, or is skipped and counted, as skip_nonfinite() was told.
  void step();

  // The three parts of a step, for one that is captured and replayed (nn::GradientStep). There the
  // second happens on the device alone, once between the two others. Where an error keeps the third
  // from being called, the parameters have moved and the state has not: load_state().
  void prepare() { prepare_step(); }  ///< says what the host knows: rates, where rho is
  void enqueue();                     ///< the work, from the gradients as they are then
  void conclude();                    ///< waits for it, and throws or counts as step() does
  /// Whether enqueue() can be captured: it asks the host nothing, and writes where it did before.
  virtual bool is_replayable() const { return !keeps_audit_; }

  /// False, the default: a gradient that is not finite is an error. True: its step is skipped.
  void skip_nonfinite(bool on) { skip_nonfinite_ = on; }
  std::int64_t skipped_steps() const;  ///< so far; part of the state

  /// Keeps what audit() needs of each step from the next on, but for those that are replayed.
  void keep_audit(bool on) { keeps_audit_ = on; }
  /// The constrained groups after the last step. `p` is the norm of the flow that a method without
  /// a constraint implies; the others have their own. Throws before the first step that was kept.
  virtual std::vector<GroupAudit> audit(double p) const;

  /// True where step() wants to be told the mean margin of each batch first.
  virtual bool uses_margin() const { return false; }
  virtual void observe_margin(double) {}

  /// The live tensors that make up the state, by name: "GROUP/velocity/0", "steps".
  virtual State entries() const = 0;

  /// A copy of the state. The parameters themselves are not part of it.
  State state() const;
  /// Throws, naming the entry, where names, shapes or dtypes differ; nothing has changed then.
  void load_state(const State& state);

  double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  const std::vector<Group>& groups() const { return groups_; }

 protected:
  virtual void prepare_step() = 0;
  virtual void enqueue_step() = 0;
  /// The first group with a gradient that is not finite, for which nothing has changed; else null.
  virtual const Group* conclude_step() = 0;
  /// Where the next value of `x` goes, which it becomes when the step is concluded.
  Tensor successor(const Variable& x);
  /// A parameter with a gradient; x and gradient are contiguous.
  struct Moving {
    std::size_t tensor;  ///< its number in the group
    Tensor x, gradient, next;
  };
  /// Those of one group. They are counted over all groups of a step.
  std::vector<Moving> moving(const Group& group);
  /// The groups of the parameters that this step moves, as they were counted.
  const std::vector<const Group*>& moved() const { return moved_; }
  /// Waits for the number of the first of them whose gradient is not finite, -1: none; and finds
  /// its group.
  const Group* group_of(const Shared<std::int64_t>& nonfinite) const;
  /// Of this step.
  bool auditing() const { return auditing_; }
  /// Where the parameters are.
  Device device() const;
  /// The gradient, contiguous; undefined where there is none.
  static Tensor gradient(const Variable& parameter);
  /// Appends the tensors of one group as "GROUP/KIND/0", "GROUP/KIND/1", ...
  static void append(State& state, const Group& group, const std::string& kind,
                     const std::vector<Tensor>& tensors);

  std::vector<Group> groups_;
  double lr_;

 private:
  State all_entries() const;

  bool skip_nonfinite_ = false, keeps_audit_ = false;
  bool auditing_ = false;  // what is enqueued is kept
  Tensor skipped_steps_;
  std::vector<const Group*> moved_;
  std::vector<std::pair<Variable, Tensor>> successors_;  // of this step, where they lie elsewhere
  // [group][tensor], of the last step and of this one, while auditing.
  std::vector<std::vector<Tensor>> before_, next_before_;
};

/// A number as an entry of a State: float64, shape [], on the host.
Tensor make_number(double value);
double& number(const Tensor& entry);

}  // namespace rho::optim
