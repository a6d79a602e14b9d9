// Flattening of each example.
#pragma once

#include "autograd/ops/shape.h"
#include "nn/module.h"

namespace rho::nn {

/// x [N, ...] -> [N, product of the rest], row-major: channels fastest, unlike PyTorch's.
class Flatten : public Module {
 public:
  Variable forward(const Variable& x) override {
    check(x.rank() >= 1, "Flatten", "expects [N, ...], found a scalar");
    const std::int64_t examples = x.size(0);
    std::int64_t rest = 1;
    for (int d = 1; d < x.rank(); ++d) rest *= x.size(d);
    return reshape(x, {examples, rest});
  }
  std::string kind() const override { return "Flatten"; }
  void rescale(Rescaling&, const std::string&) override {}
};

}  // namespace rho::nn
