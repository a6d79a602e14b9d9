// Layers one after another.
#pragma once

#include "nn/layers/batch_norm2d.h"
#include "nn/layers/relu.h"
#include "nn/module.h"

namespace rho::nn {

/// A layer and the ReLU behind it run as one, and so do the last layer and what follows the whole:
/// for a BatchNorm2d or an affine layer that saves passes over memory, for others it changes
/// nothing. An affine layer and the BatchNorm2d behind it run as one, too.
class Sequential : public Module {
 public:
  /// Appends a layer under a name of its own.
  template <class Layer>
  std::shared_ptr<Layer> add(std::string name, std::shared_ptr<Layer> layer) {
    return register_module(std::move(name), std::move(layer));
  }
  /// Puts another layer in the place of the one at `index`.
  void replace(std::size_t index, std::shared_ptr<Module> layer) {
    replace_module(index, std::move(layer));
  }

  Variable forward(const Variable& x) override { return forward_then(x, {}); }
  Variable forward_then(const Variable& x, const Epilogue& epilogue) override {
    Variable y = x;
    const std::size_t count = children().size();
    bool followed = false;
    for (std::size_t i = 0; i < count;) {
      Module& layer = *children()[i++].second;
      auto* const affine = dynamic_cast<Affine*>(&layer);
      auto* const norm = affine == nullptr ? nullptr : at<BatchNorm2d>(i);
      if (norm != nullptr) ++i;
      const bool relu_follows = at<ReLU>(i) != nullptr;
      if (relu_follows) ++i;
      followed = i == count && !relu_follows;
      const Epilogue then = relu_follows ? Epilogue{.relu = true}
                            : followed   ? epilogue
                                         : Epilogue{};
      y = norm != nullptr ? norm->behind(*affine, y, then) : layer(y, then);
    }
    return followed ? y : apply(epilogue, y);
  }
  std::string kind() const override { return "Sequential"; }
  void rescale(Rescaling& state, const std::string& name) override {
    for (const auto& [child_name, child] : children())
      child->rescale(state, dotted(name, child_name));
  }

 private:
  /// The layer at `index`, where there is one of that kind.
  template <class Layer>
  Layer* at(std::size_t index) const {
    return index < children().size() ? dynamic_cast<Layer*>(children()[index].second.get())
                                     : nullptr;
  }
};

}  // namespace rho::nn
