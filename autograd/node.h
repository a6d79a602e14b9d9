// A recorded operation: where its gradient goes, and how it is computed. Internal to autograd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace rho {

class Node {
 public:
  /// `inputs` has one entry per input of the operation; null where it needs no gradient.
  Node(std::string_view op, std::vector<std::shared_ptr<Node>> inputs, Backward backward);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& op() const { return op_; }
  /// Path of the layer that recorded it, where a profile was being made; else empty.
  const std::string& layer() const { return layer_; }
  const std::vector<std::shared_ptr<Node>>& inputs() const { return inputs_; }
  /// Grows with every node made: the node of an input is always older than its user's.
  std::uint64_t order() const { return order_; }
  /// A leaf has no inputs; its backward adds to the leaf's grad().
  bool is_leaf() const { return inputs_.empty() && backward_; }
  bool is_released() const { return !backward_; }

  /// Whether backward() may be handed a deferred gradient.
  bool takes_deferred() const { return takes_deferred_; }
  void take_deferred() { takes_deferred_ = true; }

  std::vector<Variable> backward(const Variable& grad_output) const {
    return backward_(grad_output);
  }
  /// Drops the saved values; the operation can not be differentiated again.
  void release();

 private:
  std::string op_;
  std::string layer_;
  std::vector<std::shared_ptr<Node>> inputs_;
  Backward backward_;
  std::uint64_t order_;
  bool takes_deferred_ = false;
};

}  // namespace rho
