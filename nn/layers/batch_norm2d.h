// Batch normalization with running statistics.
#pragma once

#include <cmath>

#include "autograd/ops/batch_norm.h"
#include "kernels/batch_norm.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "nn/layers/weighted.h"

namespace rho::nn {

/// x [..., C] -> gamma (x - mean) / sqrt(var + eps) + beta, with the batch's statistics in training
/// and the running ones in evaluation. Names, defaults and running averages are PyTorch's: weight,
/// bias, running_mean, running_var (unbiased), num_batches_tracked.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, DType dtype = DType::Float32, double eps = 1e-5,
                       double momentum = 0.1)
      : eps_(eps), momentum_(momentum) {
    gamma_ = register_parameter("weight", kernels::full({channels}, 1.0, dtype));
    beta_ = register_parameter("bias", kernels::zeros({channels}, dtype));
    register_buffer("running_mean", kernels::zeros({channels}, dtype));
    register_buffer("running_var", kernels::full({channels}, 1.0, dtype));
    register_buffer("num_batches_tracked", kernels::zeros({}, DType::Int64, Device{}));
  }

  Variable forward(const Variable& x) override { return forward_then(x, {}); }
  Variable forward_then(const Variable& x, const Epilogue& epilogue) override {
    if (training()) return by_batch(x, {}, epilogue);
    return batch_norm_eval(x, gamma_, beta_, buffer("running_mean"), buffer("running_var"), eps_,
                           epilogue);
  }
  /// What this layer gives behind `layer`. In training that one takes the statistics, where it can;
  /// in evaluation this is an affine map of its channels, which its weight and bias take up.
  Variable behind(Affine& layer, const Variable& x, const Epilogue& epilogue) {
    if (training()) {
      BatchStatistics statistics;
      const Variable y = layer(x, {.statistics = &statistics});
      return as_layer([&] { return by_batch(y, statistics, epilogue); });
    }
    return layer.as_layer([&] {
      const AffineMap map = fold_batch_norm({layer.weight(), layer.bias()}, gamma_, beta_,
                                            buffer("running_mean"), buffer("running_var"), eps_);
      return layer.apply(x, map.weight, map.bias, epilogue);
    });
  }
  void after_replay() override { count_batch(); }
  std::string kind() const override { return "BatchNorm2d"; }
  void rescale(Rescaling&, const std::string& name) override {
    fail("normalize", "batch norm ", name, " is not folded; call fold_batch_norm first");
  }

  /// W <- s W, b <- beta + s (b - mu) with s = gamma / sqrt(var + eps): evaluation statistics.
  void fold_into(Weighted& layer) {
    const auto gamma = gamma_.value().to_vector<double>(), beta = beta_.value().to_vector<double>();
    const auto mean = buffer("running_mean").to_vector<double>();
    std::vector<double> s = buffer("running_var").to_vector<double>(), t = beta;
    for (std::size_t c = 0; c < s.size(); ++c) {
      s[c] = gamma[c] / std::sqrt(s[c] + eps_);
      t[c] -= s[c] * mean[c];
    }
    layer.absorb(s, t);
  }

 private:
  /// With the batch's statistics, which may be known.
  Variable by_batch(const Variable& x, const BatchStatistics& known, const Epilogue& epilogue) {
    const BatchNormOutput out = batch_norm_train(x, gamma_, beta_, eps_, epilogue, known);
    const std::int64_t samples = x.numel() / x.size(-1);
    const auto count = static_cast<double>(samples);
    check(samples > 1, "BatchNorm2d", "training needs more than one value per channel, found x ",
          x.shape());
    Tensor &mean = buffer("running_mean"), &variance = buffer("running_var");
    const kernels::MeanAndVariance next{kernels::successor(mean), kernels::successor(variance)};
    kernels::follow_statistics({mean, variance}, {out.mean, out.variance}, momentum_,
                               count / (count - 1.0), next);
    mean = next.mean;
    variance = next.variance;
    count_batch();
    return out.y;
  }
  void count_batch() { *buffer("num_batches_tracked").data<std::int64_t>() += 1; }

  double eps_, momentum_;
  Variable gamma_, beta_;
};

}  // namespace rho::nn
