// The leaky rectifier as a layer.
#pragma once

#include "nn/module.h"
#include "tests/extending/leaky_relu.h"

namespace rho::nn {

/// x [...] -> [...]; see rho::leaky_relu.
class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double slope = 0.01) : slope_(slope) {}

  Variable forward(const Variable& x) override { return leaky_relu(x, slope_); }
  std::string kind() const override { return "LeakyReLU"; }
  /// 1-homogeneous: the scale of its input is the scale of its output.
  void rescale(Rescaling&, const std::string&) override {}

 private:
  double slope_;
};

}  // namespace rho::nn
