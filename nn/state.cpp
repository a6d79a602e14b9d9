#include "nn/state.h"

#include <map>

#include "kernels/copy.h"

namespace rho::nn {
namespace {

Tensor to_torch(const Tensor& value, const TorchLayout& layout) {
  if (layout.order.empty()) return kernels::clone(value);
  return kernels::clone(kernels::contiguous(value).view(layout.view).permute(layout.order))
      .view(layout.shape);
}

Tensor from_torch(const Tensor& stored, const TorchLayout& layout, const Shape& shape) {
  if (layout.order.empty()) return stored;
  Shape permuted;
  Dims inverse = layout.order;
  for (int d = 0; d < layout.order.size(); ++d) {
    permuted.push_back(layout.view[static_cast<int>(layout.order[d])]);
    inverse[static_cast<int>(layout.order[d])] = d;
  }
  return kernels::contiguous(kernels::contiguous(stored).view(permuted).permute(inverse))
      .view(shape);
}

bool may_be_missing(const std::string& name) { return name.ends_with("num_batches_tracked"); }

}  // namespace

NamedTensors export_state(Module& module) {
  NamedTensors out;
  for (const NamedParameter& parameter : module.parameters())
    out.emplace_back(parameter.name,
                     to_torch(parameter.value.value().to(Device{}), parameter.layout));
  for (const NamedBuffer& buffer : module.buffers())
    out.emplace_back(buffer.name, kernels::clone(buffer.value->to(Device{})));
  return out;
}

void import_state(Module& module, const NamedTensors& entries, const std::string& source) {
  std::map<std::string, Tensor> left(entries.begin(), entries.end());
  const auto take = [&](const std::string& name, const Shape& expected) {
    const auto found = left.find(name);
    check(found != left.end(), source, "has no tensor ", name);
    Tensor value = found->second;
    check(value.shape() == expected, source, "tensor ", name, " has shape ", value.shape(),
          ", expected ", expected);
    left.erase(found);
    return value;
  };
  // All of it is read and checked before any of it is set.
  const std::vector<NamedParameter> parameters = module.parameters();
  const std::vector<NamedBuffer> buffers = module.buffers();
  std::vector<Tensor> values;
  for (const NamedParameter& p : parameters) {
    const Shape& shape = p.layout.order.empty() ? p.value.shape() : p.layout.shape;
    const Tensor stored = take(p.name, shape);
    check(is_floating(stored.dtype()), source, "tensor ", p.name, " is ", stored.dtype(),
          ", expected a floating dtype");
    values.push_back(from_torch(stored, p.layout, p.value.shape()));
  }
  for (const NamedBuffer& b : buffers)
    values.push_back(may_be_missing(b.name) && !left.contains(b.name)
                         ? *b.value
                         : take(b.name, b.value->shape()));
  check(left.empty(), source, "has a tensor ", left.empty() ? "" : left.begin()->first,
        " that the model does not");

  std::size_t i = 0;
  const auto converted = [&](const Tensor& like) {
    Tensor out = Tensor::empty(like.shape(), like.dtype(), like.device());
    kernels::copy(values[i++].to(like.device()), out);
    return out;
  };
  for (NamedParameter p : parameters) p.value.set_value(converted(p.value.value()));
  for (const NamedBuffer& b : buffers) *b.value = converted(*b.value);
}

void copy_state(Module& from, Module& to) { import_state(to, export_state(from), "copy_state"); }

}  // namespace rho::nn
