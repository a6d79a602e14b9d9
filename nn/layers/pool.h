// Pooling layers on x [N, H, W, C]. All are 1-homogeneous: scales pass through.
#pragma once

#include "autograd/ops/pool.h"
#include "nn/module.h"

namespace rho::nn {

class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(const Pool2dOptions& options) : options_(options) {}
  Variable forward(const Variable& x) override { return max_pool2d(x, options_); }
  std::string kind() const override { return "MaxPool2d"; }
  void rescale(Rescaling&, const std::string&) override {}

 private:
  Pool2dOptions options_;
};

class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(const Pool2dOptions& options) : options_(options) {}
  Variable forward(const Variable& x) override { return avg_pool2d(x, options_); }
  std::string kind() const override { return "AvgPool2d"; }
  void rescale(Rescaling&, const std::string&) override {}

 private:
  Pool2dOptions options_;
};

/// -> [N, C]
class GlobalAvgPool2d : public Module {
 public:
  Variable forward(const Variable& x) override { return global_avg_pool2d(x); }
  std::string kind() const override { return "GlobalAvgPool2d"; }
  void rescale(Rescaling&, const std::string&) override {}
};

}  // namespace rho::nn
