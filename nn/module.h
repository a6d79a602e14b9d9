// Module: a tree of layers with named parameters and buffers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/epilogue.h"
#include "nn/rescale.h"

namespace rho::nn {

/// How a tensor is stored outside (PyTorch): view as `view`, permute by `order`, reshape to
/// `shape`. Empty `order` means the same layout. Only import and export use it.
struct TorchLayout {
  Shape view;
  Dims order;
  Shape shape;
};

struct NamedParameter {
  std::string name;  ///< dotted path, PyTorch's
  Variable value;
  TorchLayout layout;
};
struct NamedBuffer {
  std::string name;
  Tensor* value;  ///< owned by the module
};

/// "prefix.name"; an empty one of the two adds no level.
std::string dotted(const std::string& prefix, const std::string& name);

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  virtual Variable forward(const Variable& x) = 0;
  Variable operator()(const Variable& x) { return forward(x); }
  /// forward(x) with what follows it; layers that can do both in one pass over memory override it.
  virtual Variable forward_then(const Variable& x, const Epilogue& epilogue) {
    return apply(epilogue, forward(x));
  }

  /// What kind of layer this is, for messages: "Conv2d".
  virtual std::string kind() const = 0;

  /// Divides this layer by its norm and tells the scale that its output carries (docs/theory.md).
  /// `state` holds the scale of the incoming activation; the default throws, naming the layer.
  virtual void rescale(Rescaling& state, const std::string& name);

  /// In registration order, depth first.
  std::vector<NamedParameter> parameters() const;
  std::vector<NamedBuffer> buffers();
  std::int64_t parameter_count() const;  ///< trainable numbers
  const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& children() const {
    return children_;
  }

  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }
  void zero_grad();
  /// Converts every parameter and floating buffer.
  void to(DType dtype);

 protected:
  Variable register_parameter(std::string name, Tensor value, TorchLayout layout = {});
  /// A parameter that another module made: both hold the same variable.
  void share_parameter(NamedParameter parameter) { parameters_.push_back(std::move(parameter)); }
  void register_buffer(std::string name, Tensor value);
  Tensor& buffer(const std::string& name);
  /// A child under `name`; an empty name adds no level to the dotted path.
  template <class M>
  std::shared_ptr<M> register_module(std::string name, std::shared_ptr<M> module) {
    children_.emplace_back(std::move(name), module);
    return module;
  }
  std::vector<std::pair<std::string, std::shared_ptr<Module>>>& mutable_children() {
    return children_;
  }

 private:
  void collect(const std::string& prefix, std::vector<NamedParameter>& out) const;
  void collect(const std::string& prefix, std::vector<NamedBuffer>& out);

  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, std::unique_ptr<Tensor>>> buffers_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  bool training_ = true;
};

}  // namespace rho::nn
