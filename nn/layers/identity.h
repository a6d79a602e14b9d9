// The layer that does nothing: an identity shortcut, or what is left of a folded batch norm.
#pragma once

#include "nn/module.h"

namespace rho::nn {

class Identity : public Module {
 public:
  Variable forward(const Variable& x) override { return x; }
  std::string kind() const override { return "Identity"; }
  void rescale(Rescaling&, const std::string&) override {}
};

}  // namespace rho::nn
