// Layers appended one by one, with the shape of one example carried along.
#pragma once

#include <memory>
#include <string>

#include "nn/model.h"
#include "nn/nn.h"

namespace rho::nn {

class Builder {
 public:
  Builder(const ModelSpec& spec, const Init& init, Rng& rng, DType dtype)
      : spec_(spec), init_(init), rng_(rng), dtype_(dtype), shape_(spec.input) {
    check(spec.classes >= 1, "model", spec.name, " for ", spec.classes, " classes");
    check((shape_.size() == 3 || shape_.size() == 1) && numel(shape_) > 0, "model", spec.name,
          " expects examples [H, W, C] or [D], found ", shape_);
  }

  void conv(const std::string& name, std::int64_t channels, std::int64_t size, std::int64_t stride,
            std::int64_t pad, bool bias) {
    check(shape_.size() == 3 && shape_[0] + 2 * pad >= size && shape_[1] + 2 * pad >= size, "model",
          spec_.name, ": examples ", spec_.input, " are too small, ", name, " would see ", shape_);
    const kernels::Conv2dOptions options{stride, stride, pad, pad};
    net_->add(name, std::make_shared<Conv2d>(shape_[2], channels, size, options, bias, init_, rng_,
                                             dtype_));
    shape_ = {(shape_[0] + 2 * pad - size) / stride + 1, (shape_[1] + 2 * pad - size) / stride + 1,
              channels};
  }
  void batch_norm(const std::string& name) {
    net_->add(name, std::make_shared<BatchNorm2d>(shape_.back(), dtype_));
  }
  void relu(const std::string& name) { net_->add(name, std::make_shared<ReLU>()); }
  void global_avg_pool(const std::string& name) {
    net_->add(name, std::make_shared<GlobalAvgPool2d>());
    shape_ = {shape_.back()};
  }
  /// Flattens a map that has not been flattened yet.
  void linear(const std::string& name, std::int64_t outputs, bool bias) {
    Shape map;
    if (shape_.size() == 3) {
      net_->add("flatten", std::make_shared<Flatten>());
      map = shape_;
    }
    net_->add(name,
              std::make_shared<Linear>(numel(shape_), outputs, bias, init_, rng_, dtype_, map));
    shape_ = {outputs};
  }
  void grouped_linear(const std::string& name, std::int64_t outputs, std::int64_t groups,
                      bool bias) {
    net_->add(name, std::make_shared<GroupedLinear>(numel(shape_), outputs, groups, bias, init_,
                                                    rng_, dtype_));
    shape_ = {outputs};
  }
  /// Appends a layer that turns one example into `shape`.
  void add(const std::string& name, std::shared_ptr<Module> layer, const Shape& shape) {
    net_->add(name, std::move(layer));
    shape_ = shape;
  }

  const Shape& shape() const { return shape_; }  ///< of one example, so far
  const ModelSpec& spec() const { return spec_; }
  const Init& init() const { return init_; }
  Rng& rng() { return rng_; }
  DType dtype() const { return dtype_; }
  std::shared_ptr<Sequential> net() const { return net_; }

 private:
  const ModelSpec& spec_;
  const Init& init_;
  Rng& rng_;
  DType dtype_;
  Shape shape_;
  std::shared_ptr<Sequential> net_ = std::make_shared<Sequential>();
};

}  // namespace rho::nn
