// Residual block, and the parameter-free shortcut of CIFAR ResNets.
#pragma once

#include <algorithm>
#include <cmath>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/shape.h"
#include "nn/module.h"

namespace rho::nn {

/// x -> relu(main(x) + shortcut(x)) (He et al. 2015, fig. 2). The children of `main` are named as
/// if they were the block's own, as in PyTorch; those of `shortcut` under "shortcut".
class Residual : public Module {
 public:
  Residual(std::shared_ptr<Module> main, std::shared_ptr<Module> shortcut)
      : main_(register_module("", std::move(main))),
        shortcut_(register_module("shortcut", std::move(shortcut))) {}

  Variable forward(const Variable& x) override {
    const Epilogue sum{weighed((*shortcut_)(x), shortcut_ratio_), true};
    if (main_ratio_ == 1.0) return (*main_)(x, sum);
    return apply(sum, weighed((*main_)(x), main_ratio_));
  }
  std::string kind() const override { return "Residual"; }

  /// The sum's scale is the larger one of its branches; the other branch keeps a fixed ratio <= 1.
  void rescale(Rescaling& state, const std::string& name) override {
    const double before = state.log_scale;
    main_->rescale(state, name);
    const double main_scale = state.log_scale + std::log(main_ratio_);
    state.log_scale = before;
    shortcut_->rescale(state, name + ".shortcut");
    const double shortcut_scale = state.log_scale + std::log(shortcut_ratio_);
    state.log_scale = std::max(main_scale, shortcut_scale);
    if (!state.apply) return;
    main_ratio_ = std::exp(main_scale - state.log_scale);
    shortcut_ratio_ = std::exp(shortcut_scale - state.log_scale);
  }

  double main_ratio() const { return main_ratio_; }
  double shortcut_ratio() const { return shortcut_ratio_; }

 private:
  static Variable weighed(const Variable& x, double ratio) {
    return ratio == 1.0 ? x : scale(x, ratio);
  }

  std::shared_ptr<Module> main_, shortcut_;
  double main_ratio_ = 1.0, shortcut_ratio_ = 1.0;
};

/// He et al.'s option A: every `stride`-th pixel, and zero channels before and after.
/// [N, H, W, C] -> [N, ceil(H / stride), ceil(W / stride), channels].
class PaddedShortcut : public Module {
 public:
  PaddedShortcut(std::int64_t stride, std::int64_t channels)
      : stride_(stride), channels_(channels) {}

  Variable forward(const Variable& x) override {
    check(x.rank() == 4 && x.size(3) <= channels_, "PaddedShortcut",
          "expects [N, H, W, C <= ", channels_, "], found ", x.shape());
    const Variable rows = slice(x, 1, 0, x.size(1), stride_);
    const Variable pixels = slice(rows, 2, 0, x.size(2), stride_);
    const std::int64_t missing = channels_ - x.size(3), before = missing / 2;
    return pad(pixels, {0, 0, 0, before}, {0, 0, 0, missing - before});
  }
  std::string kind() const override { return "PaddedShortcut"; }
  void rescale(Rescaling&, const std::string&) override {}

 private:
  std::int64_t stride_, channels_;
};

}  // namespace rho::nn
