// Weight normalization: a layer's weight as a length times a direction.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/arithmetic.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "kernels/norm.h"
#include "nn/layers/weighted.h"

namespace rho::nn {

/// The wrapped layer with W = g v / ||v|| (Salimans and Kingma 2016, eq. 2; WNBN eq. 8-9). Names
/// and shapes are PyTorch's: weight_v is laid out like the weight; weight_g is [O, 1, ..., 1], a
/// norm per output channel (PyTorch's dim=0), or [], one norm of the whole weight (dim=None, the
/// papers' form); a bias keeps its name. v starts as the layer's weight and g as its norms, so that
/// wrapping changes the coordinates and not the function.
class WeightNorm : public Affine {
 public:
  /// `name` is the layer's in messages. Throws, naming it, where a norm is 0: no direction.
  WeightNorm(std::shared_ptr<Weighted> layer, bool per_channel, std::string name)
      : layer_(std::move(layer)), name_(std::move(name)), v_(layer_->weight()) {
    const std::int64_t rows = per_channel ? v_.size(0) : 1;
    const Tensor v = kernels::contiguous(v_.value()).view({rows, v_.numel() / rows});
    std::vector<double> norms;
    for (std::int64_t r = 0; r < rows; ++r)
      norms.push_back(kernels::norm({v.slice(0, r, r + 1)}, 2.0));
    check_nonzero(norms);
    Shape shape = Shape::filled(per_channel ? v_.rank() : 0, 1);
    if (per_channel) shape[0] = rows;
    g_ = register_parameter("weight_g", kernels::to_dtype(Tensor::from(norms, shape), v_.dtype()));
    for (NamedParameter& parameter : layer_->parameters()) {
      if (parameter.name == "weight") parameter.name = "weight_v";
      share_parameter(parameter);
    }
  }

  Variable apply(const Variable& x, const Variable& weight, const Variable& bias,
                 const Epilogue& then) const override {
    return layer_->apply(x, weight, bias, then);
  }
  bool is_replayable() const override { return false; }  // it looks for norms of 0
  std::string kind() const override { return "WeightNorm"; }
  void rescale(Rescaling&, const std::string& name) override {
    fail("normalize", "weight norm ", name, " is not folded; call fold_weight_norm first");
  }

  /// g v / ||v||, differentiable in both. Throws, naming the layer, where a norm of v is 0.
  Variable weight() const override {
    const std::int64_t rows = g_.numel();
    const Variable v = reshape(v_, {rows, v_.numel() / rows});
    // The direction is that of any multiple of v: this one, by a constant, has squares that neither
    // overflow nor vanish.
    const Variable largest = max(abs(v.detach()), 1, true);
    check_nonzero(largest.value().to_vector<double>());
    const Variable u = v / largest;
    const Variable direction = u / sqrt(sum(u * u, {1}, true));
    return reshape(reshape(g_, {rows, 1}) * direction, v_.shape());
  }

  Variable bias() const override { return layer_->bias(); }

  /// The wrapped layer, computing by itself what this one does: its weight is g v / ||v||.
  std::shared_ptr<Weighted> fold() {
    const NoGrad guard;
    v_.set_value(weight().value());
    v_.zero_grad();  // it was by v
    return layer_;
  }

 private:
  /// NaN passes: it is the loss that says that training diverged.
  void check_nonzero(const std::vector<double>& norms) const {
    for (std::size_t r = 0; r < norms.size(); ++r)
      check(norms[r] != 0.0, "WeightNorm", "layer ", name_, ": weight_v",
            norms.size() > 1 ? " of output channel " + std::to_string(r) : "",
            " has norm 0, expected a positive number");
  }

  std::shared_ptr<Weighted> layer_;  // its weight is v
  std::string name_;
  Variable v_, g_;
};

}  // namespace rho::nn
