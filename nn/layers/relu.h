// Rectifier as a layer.
#pragma once

#include "autograd/ops/relu.h"
#include "nn/module.h"

namespace rho::nn {

/// x [...] -> max(x, 0) [...]
class ReLU : public Module {
 public:
  Variable forward(const Variable& x) override { return relu(x); }
  std::string kind() const override { return "ReLU"; }
  void rescale(Rescaling&, const std::string&) override {}  // 1-homogeneous
};

}  // namespace rho::nn
