// Module: a tree of layers with named parameters and buffers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops/epilogue.h"
#include "nn/rescale.h"
#include "tensor/profile.h"

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
  /// forward(x) with what follows it; layers that can do both in one pass over memory override it.
  virtual Variable forward_then(const Variable& x, const Epilogue& epilogue) {
    return apply(epilogue, forward(x));
  }
  /// Either of them, as a layer of its own in a profile. This is how a module calls its children.
  Variable operator()(const Variable& x, const Epilogue& epilogue = {}) {
    return as_layer([&] { return forward_then(x, epilogue); });
  }
  /// What `run` gives, which a profile counts as this layer's.
  template <class Run>
  Variable as_layer(const Run& run) const {
    if (name_in_parent_.empty()) return run();
    const ProfileScope scope(SpanKind::Layer, name_in_parent_);
    return run();
  }

  /// What kind of layer this is, for messages: "Conv2d".
  virtual std::string kind() const = 0;

  /// Whether the work of forward on a device can be captured and replayed (tensor/graph.h): it
  /// reads no values on the host. The default says so of the children alone.
  virtual bool is_replayable() const;
  /// What forward does on the host besides, in training; called for every replay.
  virtual void after_replay();

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
  /// Moves every parameter and floating buffer; what counts steps stays on the host. Before an
  /// optimizer is made, whose state lies with its parameters.
  void to(Device device);
  /// Where the parameters are; the CPU where there are none.
  Device device() const;

 protected:
  Variable register_parameter(std::string name, Tensor value, TorchLayout layout = {});
  /// A parameter that another module made: both hold the same variable.
  void share_parameter(NamedParameter parameter) { parameters_.push_back(std::move(parameter)); }
  void register_buffer(std::string name, Tensor value);
  Tensor& buffer(const std::string& name);
  /// A child under `name`; an empty name adds no level to the dotted path.
  template <class M>
  std::shared_ptr<M> register_module(std::string name, std::shared_ptr<M> module) {
    module->name_in_parent_ = name;
    children_.emplace_back(std::move(name), module);
    return module;
  }
  /// Puts another child in the place and under the name of the one at `index`.
  void replace_module(std::size_t index, std::shared_ptr<Module> module) {
    auto& [name, child] = children_.at(index);
    module->name_in_parent_ = name;
    child = std::move(module);
  }

 private:
  void collect(const std::string& prefix, std::vector<NamedParameter>& out) const;
  void collect(const std::string& prefix, std::vector<NamedBuffer>& out);

  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, std::unique_ptr<Tensor>>> buffers_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  std::string name_in_parent_;  // empty: none, or one that adds no level
  bool training_ = true;
};

}  // namespace rho::nn
