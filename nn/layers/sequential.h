// Layers one after another.
#pragma once

#include "nn/module.h"

namespace rho::nn {

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

  Variable forward(const Variable& x) override {
    Variable y = x;
    for (const auto& child : children()) y = (*child.second)(y);
    return y;
  }
  std::string kind() const override { return "Sequential"; }
  void rescale(Rescaling& state, const std::string& name) override {
    for (const auto& [child_name, child] : children())
      child->rescale(state, dotted(name, child_name));
  }
};

}  // namespace rho::nn
