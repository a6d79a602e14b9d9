#include "bench/support/network.h"

#include <regex>

#include "autograd/ops/losses.h"
#include "bench/support/convolution.h"
#include "bench/support/random.h"
#include "kernels/copy.h"
#include "nn/models/convnet.h"
#include "nn/nn.h"
#include "tensor/allocator.h"
#include "tools/support/groups.h"

namespace rho::bench {
namespace {

/// Runs `x` through the module, layer by layer.
Variable count(nn::Module& module, const Variable& x, Cost& cost) {
  const std::string kind = module.kind();
  if (kind == "Sequential") {
    Variable y = x;
    for (const auto& child : module.children()) y = count(*child.second, y, cost);
    return y;
  }
  if (kind == "Residual") count(*module.children().front().second, x, cost);
  const Variable y = module(x);
  if (const auto* layer = dynamic_cast<const nn::Weighted*>(&module)) {
    const Variable& w = layer->weight();
    const double terms = static_cast<double>(w.numel() / w.size(0));
    const auto* conv = dynamic_cast<const nn::Conv2d*>(layer);
    const double products = conv != nullptr
                                ? bench::products({x.shape(), w.shape(), conv->options()})
                                : terms * static_cast<double>(y.numel());
    cost.step += (cost.forward == 0.0 ? 4.0 : 6.0) * products;
    cost.forward += 2.0 * products;
    cost.terms += terms;
    ++cost.layers;
  }
  return y;
}

Variable objective(const Variable& logits, const Tensor& labels) {
  return cross_entropy(logits, labels);
}

// Before an optimizer is made for it.
std::shared_ptr<nn::Module> moved(std::shared_ptr<nn::Module> model, Device device) {
  model->to(device);
  return model;
}

}  // namespace

std::shared_ptr<nn::Module> build(const std::string& name, DType dtype) {
  Rng rng(1);
  const nn::ModelSpec spec{name, {32, 32, 3}, 10};
  std::smatch match;
  if (!std::regex_match(name, match, std::regex("convnet3-([0-9]+)")))
    return nn::make_model(spec, {}, rng, dtype);
  const nn::Init init;  // outlives the builder
  nn::Builder builder(spec, init, rng, dtype);
  nn::build_convnet3(builder, std::stoll(match[1]));
  return builder.net();
}

Training random_training(std::int64_t batch) {
  std::vector<std::int64_t> labels;
  for (std::int64_t n = 0; n < batch; ++n) labels.push_back(n % 10);
  return {random({batch, 32, 32, 3}, DType::Float32, 1), Tensor::from(labels, {batch})};
}

Training in_dtype(const Training& training, DType dtype) {
  Training out = training;
  out.x = kernels::to_dtype(training.x, dtype);
  return out;
}

Network::Network(std::shared_ptr<nn::Module> model, const Training& training, Device device)
    : model_(moved(std::move(model), device)),
      gradients_(*model_, objective, false),
      step_(*model_, objective, true, [this] { optimizer_.enqueue(); }),
      x_(training.x.to(device)),
      labels_(training.labels.to(device)),
      optimizer_(tools::parameter_groups(*model_), training.lr, {.momentum = training.momentum}) {}

double Network::backward() {
  model_->train();
  return gradients_(x_, labels_).loss.item();
}

double Network::step() {
  model_->train();
  optimizer_.prepare();
  const double loss = step_(x_, labels_).loss.item();
  optimizer_.conclude();
  return loss;
}

Tensor Network::evaluate() {
  const NoGrad guard;
  model_->eval();
  return (*model_)(Variable(x_)).value();
}

nn::NamedTensors Network::gradients() const {
  // export_state knows the layouts, so the gradients take the parameters' place while it runs.
  std::vector<nn::NamedParameter> parameters = model_->parameters();
  std::vector<Tensor> values;
  for (nn::NamedParameter& parameter : parameters) {
    values.push_back(parameter.value.value());
    parameter.value.set_value(parameter.value.grad().value());
  }
  nn::NamedTensors out = nn::export_state(*model_);
  out.resize(parameters.size());  // without the buffers
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].value.set_value(values[i]);
  return out;
}

Cost cost(nn::Module& model, const Tensor& x) {
  const NoGrad guard;
  Cost out;
  model.eval();
  count(model, Variable(x), out);
  return out;
}

double peak_bytes(const std::string& name, std::int64_t batch, Device device) {
  CachingAllocator& memory = allocator(device.type);
  const std::size_t before = memory.statistics().bytes_in_use;
  memory.reset_peak();
  Network network(build(name), random_training(batch), device);
  network.step();
  network.step();
  return static_cast<double>(memory.statistics().bytes_peak - before);
}

}  // namespace rho::bench
