#include "nn/module.h"

#include <algorithm>

#include "kernels/copy.h"

namespace rho::nn {

std::string dotted(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : name.empty() ? prefix : prefix + '.' + name;
}

void Module::rescale(Rescaling&, const std::string& name) {
  fail("normalize", "layer ", name, " (", kind(), ") can not be normalized");
}

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> out;
  collect("", out);
  return out;
}

std::vector<NamedBuffer> Module::buffers() {
  std::vector<NamedBuffer> out;
  collect("", out);
  return out;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const NamedParameter& parameter : parameters()) count += parameter.value.numel();
  return count;
}

void Module::collect(const std::string& prefix, std::vector<NamedParameter>& out) const {
  for (const NamedParameter& parameter : parameters_)
    out.push_back({dotted(prefix, parameter.name), parameter.value, parameter.layout});
  for (const auto& [name, child] : children_) child->collect(dotted(prefix, name), out);
}

void Module::collect(const std::string& prefix, std::vector<NamedBuffer>& out) {
  for (const auto& [name, value] : buffers_) out.push_back({dotted(prefix, name), value.get()});
  for (const auto& [name, child] : children_) child->collect(dotted(prefix, name), out);
}

bool Module::is_replayable() const {
  return std::all_of(children_.begin(), children_.end(),
                     [](const auto& child) { return child.second->is_replayable(); });
}

void Module::after_replay() {
  for (const auto& child : children_) child.second->after_replay();
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& child : children_) child.second->train(on);
}

void Module::zero_grad() {
  for (NamedParameter& parameter : parameters()) parameter.value.zero_grad();
}

void Module::to(DType dtype) {
  check(is_floating(dtype), "module", "parameters can not be ", dtype);
  zero_grad();  // gradients have their parameters' dtype
  for (NamedParameter& parameter : parameters())
    parameter.value.set_value(kernels::to_dtype(parameter.value.value(), dtype), true);
  for (const NamedBuffer& buffer : buffers())
    if (is_floating(buffer.value->dtype())) *buffer.value = kernels::to_dtype(*buffer.value, dtype);
}

void Module::to(Device device) {
  zero_grad();
  for (NamedParameter& parameter : parameters())
    parameter.value.set_value(parameter.value.value().to(device));
  for (const NamedBuffer& buffer : buffers())
    if (is_floating(buffer.value->dtype())) *buffer.value = buffer.value->to(device);
}

Device Module::device() const {
  const std::vector<NamedParameter> all = parameters();
  return all.empty() ? Device{} : all.front().value.value().device();
}

Variable Module::register_parameter(std::string name, Tensor value, TorchLayout layout) {
  Variable parameter(std::move(value), true);
  parameters_.push_back({std::move(name), parameter, layout});
  return parameter;
}

void Module::register_buffer(std::string name, Tensor value) {
  buffers_.emplace_back(std::move(name), std::make_unique<Tensor>(std::move(value)));
}

Tensor& Module::buffer(const std::string& name) {
  const auto found = std::find_if(buffers_.begin(), buffers_.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  check(found != buffers_.end(), "module", kind(), " has no buffer ", name);
  return *found->second;
}

}  // namespace rho::nn
