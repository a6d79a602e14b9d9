// What layers with a weight and an optional bias share: they are normalized, and absorb batch norm.
#pragma once

#include <utility>
#include <vector>

#include "kernels/copy.h"
#include "kernels/fill.h"
#include "nn/layers/affine.h"

namespace rho::nn {

/// W and b are parameters.
class Weighted : public Affine {
 public:
  Variable weight() const override { return weight_; }
  Variable bias() const override { return bias_; }

  void rescale(Rescaling& state, const std::string& name) override {
    rescale_weighted(state, name, weight_, bias_);
  }

  /// W <- s W, b <- s b + t per output channel; a missing bias is created. `s` and `t` have O
  /// values.
  void absorb(const std::vector<double>& s, const std::vector<double>& t) {
    const std::int64_t outputs = weight_.size(0), fan_in = weight_.numel() / outputs;
    check(static_cast<std::int64_t>(s.size()) == outputs && t.size() == s.size(), kind(), outputs,
          " output channels can not absorb ", s.size());
    std::vector<double> w = weight_.value().to_vector<double>();
    std::vector<double> b(s.size(), 0.0);
    if (bias_.defined()) b = bias_.value().to_vector<double>();
    for (std::size_t i = 0; i < w.size(); ++i) w[i] *= s[i / static_cast<std::size_t>(fan_in)];
    for (std::size_t o = 0; o < b.size(); ++o) b[o] = s[o] * b[o] + t[o];
    if (!bias_.defined()) add_bias(weight_.dtype());
    weight_.set_value(kernels::with_values(weight_.value(), w));
    bias_.set_value(kernels::with_values(bias_.value(), b));
  }

 protected:
  void add_weight(Tensor value, TorchLayout layout, bool with_bias) {
    const DType dtype = value.dtype();
    weight_ = register_parameter("weight", std::move(value), layout);
    if (with_bias) add_bias(dtype);
  }

 private:
  void add_bias(DType dtype) {
    bias_ = register_parameter("bias",
                               kernels::zeros({weight_.size(0)}, dtype, weight_.value().device()));
  }

  Variable weight_, bias_;
};

}  // namespace rho::nn
