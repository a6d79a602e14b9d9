// Layers that are affine maps of their input.
#pragma once

#include "nn/module.h"

namespace rho::nn {

/// y = W x + b with W [O, ...] and b [O] or none, whatever they are made of.
class Affine : public Module {
 public:
  virtual Variable weight() const = 0;
  virtual Variable bias() const = 0;  ///< undefined without one
  /// The layer with another weight and bias, of the same shapes, in the place of its own, and what
  /// follows it.
  virtual Variable apply(const Variable& x, const Variable& weight, const Variable& bias,
                         const Epilogue& then) const = 0;

  Variable forward(const Variable& x) override { return forward_then(x, {}); }
  Variable forward_then(const Variable& x, const Epilogue& epilogue) override {
    return apply(x, weight(), bias(), epilogue);
  }
};

}  // namespace rho::nn
