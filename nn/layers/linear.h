// Fully connected layer.
#pragma once

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "nn/init.h"
#include "nn/layers/weighted.h"

namespace rho::nn {

/// x [N, I] -> x W^T + b [N, O]; W [O, I], b [O].
class Linear : public Weighted {
 public:
  /// `map` is the feature map [H, W, C] that a Flatten before this layer has flattened, if any:
  /// PyTorch flattens it channels first, which is how the weight is exported.
  Linear(std::int64_t inputs, std::int64_t outputs, bool bias, const Init& init, Rng& rng,
         DType dtype = DType::Float32, const Shape& map = {}) {
    check(map.empty() || (map.size() == 3 && numel(map) == inputs), "Linear", inputs,
          " inputs are not a flattened ", map);
    TorchLayout layout;
    if (!map.empty()) layout = {{outputs, map[0], map[1], map[2]}, {0, 3, 1, 2}, {outputs, inputs}};
    add_weight(init_weight({outputs, inputs}, init, rng, dtype), layout, bias);
  }

  Variable apply(const Variable& x, const Variable& weight, const Variable& bias,
                 const Epilogue& then) const override {
    check(x.rank() == 2 && x.size(1) == weight.size(1), "Linear", "expects x [N, ", weight.size(1),
          "], found ", x.shape());
    const Variable y = matmul(x, transpose(weight, 0, 1));
    return rho::apply(then, bias.defined() ? y + bias : y);
  }
  std::string kind() const override { return "Linear"; }
};

}  // namespace rho::nn
