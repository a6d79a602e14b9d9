// Fully connected layers side by side: each sees a part of the inputs.
#pragma once

#include "autograd/ops/conv2d.h"
#include "autograd/ops/shape.h"
#include "nn/init.h"
#include "nn/layers/weighted.h"

namespace rho::nn {

/// x [N, I] -> y [N, O]: in group g of G, y_g = x_g W_g^T + b_g, where x_g and y_g are the g-th of
/// G equal parts. W [O, I / G] and b [O] hold the groups one after another; G = 1 is a Linear. It
/// is a convolution of one pixel, whose kernels do all groups at once.
class GroupedLinear : public Weighted {
 public:
  GroupedLinear(std::int64_t inputs, std::int64_t outputs, std::int64_t groups, bool bias,
                const Init& init, Rng& rng, DType dtype = DType::Float32)
      : options_{.groups = groups} {
    check(groups >= 1 && inputs % groups == 0 && outputs % groups == 0, "GroupedLinear", inputs,
          " inputs and ", outputs, " outputs in ", groups, " groups");
    add_weight(init_weight({outputs, inputs / groups}, init, rng, dtype), {}, bias);
  }

  Variable apply(const Variable& x, const Variable& weight, const Variable& bias,
                 const Epilogue& then) const override {
    const std::int64_t inputs = weight.size(1) * options_.groups, outputs = weight.size(0);
    check(x.rank() == 2 && x.size(1) == inputs, "GroupedLinear", "expects x [N, ", inputs,
          "], found ", x.shape());
    Epilogue in_map = then;
    if (then.residual.defined())
      in_map.residual = reshape(then.residual, {1, 1, x.size(0), outputs});
    const Variable y =
        conv2d(reshape(x, {1, 1, x.size(0), inputs}),
               reshape(weight, {outputs, 1, 1, weight.size(1)}), options_, bias, in_map);
    return reshape(y, {x.size(0), outputs});
  }
  std::string kind() const override { return "GroupedLinear"; }

 private:
  kernels::Conv2dOptions options_;
};

}  // namespace rho::nn
