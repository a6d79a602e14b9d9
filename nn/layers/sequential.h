// Layers one after another.
#pragma once

#include "nn/layers/relu.h"
#include "nn/module.h"

namespace rho::nn {

/// A layer and the ReLU behind it run as one, and so do the last layer and what follows the whole:
/// for a BatchNorm2d or a Conv2d that saves passes over memory, for others it
/// changes nothing.
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

  Variable forward(const Variable& x) override { return run(x, children().size()); }
  Variable forward_then(const Variable& x, const Epilogue& epilogue) override {
    if (children().empty()) return apply(epilogue, x);
    return (*children().back().second)(run(x, children().size() - 1), epilogue);
  }
  std::string kind() const override { return "Sequential"; }
  void rescale(Rescaling& state, const std::string& name) override {
    for (const auto& [child_name, child] : children())
      child->rescale(state, dotted(name, child_name));
  }

 private:
  /// The first `count` layers.
  Variable run(const Variable& x, std::size_t count) const {
    Variable y = x;
    for (std::size_t i = 0; i < count; ++i) {
      Module& layer = *children()[i].second;
      const bool relu_follows =
          i + 1 < count && dynamic_cast<ReLU*>(children()[i + 1].second.get()) != nullptr;
      y = layer(y, {.relu = relu_follows});
      if (relu_follows) ++i;
    }
    return y;
  }
};

}  // namespace rho::nn
