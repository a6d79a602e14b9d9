// Convolution layer, channels last.
#pragma once

#include "autograd/ops/conv2d.h"
#include "nn/init.h"
#include "nn/layers/weighted.h"

namespace rho::nn {

/// x [N, H, W, C] -> [N, OH, OW, O], see rho::conv2d; weight [O, K, K, C / groups], bias [O].
class Conv2d : public Weighted {
 public:
  Conv2d(std::int64_t inputs, std::int64_t outputs, std::int64_t size,
         const kernels::Conv2dOptions& options, bool bias, const Init& init, Rng& rng,
         DType dtype = DType::Float32)
      : options_(options) {
    check(options.groups >= 1 && inputs % options.groups == 0 && outputs % options.groups == 0,
          "Conv2d", inputs, " input and ", outputs, " output channels in ", options.groups,
          " groups");
    const std::int64_t depth = inputs / options.groups;
    const Shape shape{outputs, size, size, depth};
    const TorchLayout layout{shape, {0, 3, 1, 2}, {outputs, depth, size, size}};
    add_weight(init_weight(shape, init, rng, dtype), layout, bias);
  }

  Variable apply(const Variable& x, const Variable& weight, const Variable& bias,
                 const Epilogue& then) const override {
    return conv2d(x, weight, options_, bias, then);
  }
  std::string kind() const override { return "Conv2d"; }
  const kernels::Conv2dOptions& options() const { return options_; }

 private:
  kernels::Conv2dOptions options_;
};

}  // namespace rho::nn
