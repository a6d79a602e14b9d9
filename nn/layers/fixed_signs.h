// A last layer that is not trained: OverParam's v in {-1, +1}^m.
#pragma once

#include <algorithm>

#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "nn/module.h"
#include "tensor/random.h"

namespace rho::nn {

/// x [N, M] -> x V^T [N, O] with a fixed V [O, M] of random signs, a buffer named "weight". It is
/// part of the architecture and not of its weights, so normalization leaves it as it is. As in
/// OverParam's f_W(x) = v^T sigma(W_L^T ...), nothing is divided by sqrt(M): OverParam's tangent
/// kernel has the factor 1 / m instead.
class FixedSigns : public Module {
 public:
  FixedSigns(std::int64_t inputs, std::int64_t outputs, Rng& rng, DType dtype) {
    Tensor signs = Tensor::empty({outputs, inputs}, dtype);
    dispatch_floating(dtype, "FixedSigns", [&]<class T>() {
      std::generate_n(signs.data<T>(), signs.numel(),
                      [&] { return rng.below(2) == 0 ? T{-1} : T{1}; });
    });
    register_buffer("weight", signs);
  }

  Variable forward(const Variable& x) override {
    return matmul(x, transpose(Variable(buffer("weight")), 0, 1));
  }
  std::string kind() const override { return "FixedSigns"; }
  void rescale(Rescaling&, const std::string&) override {}
};

}  // namespace rho::nn
