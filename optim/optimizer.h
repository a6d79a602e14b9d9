// What every optimizer shares: groups of parameters, a learning rate, a step, a state to save.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"

namespace rho::optim {

/// The tensors that share one norm: a layer's weight (with the bias, for the first layer).
struct Group {
  std::string name;
  std::vector<Variable> tensors;
  bool constrained = false;  ///< on a unit sphere; biases and batch-norm parameters are not
};

/// Named tensors (float64 or the parameter's dtype) from which training resumes bit for bit.
using State = std::vector<std::pair<std::string, Tensor>>;

class Optimizer {
 public:
  Optimizer(std::vector<Group> groups, double lr) : groups_(std::move(groups)), lr_(lr) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update from the gradients in the groups' tensors, which are left as they are. Parameters
  /// without a gradient stay. Throws, naming the group, when a gradient is not finite.
  virtual void step() = 0;
  virtual State state() const = 0;
  /// Throws, naming the entry, where names or shapes differ.
  virtual void load_state(const State& state) = 0;

  double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  const std::vector<Group>& groups() const { return groups_; }

 protected:
  std::vector<Group> groups_;
  double lr_;
};

}  // namespace rho::optim
