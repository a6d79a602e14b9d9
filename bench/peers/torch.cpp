#include "bench/peers/torch.h"

#include <dlfcn.h>
#include <torch/torch.h>

#include <algorithm>
#include <functional>
#include <map>

#include "nn/nn.h"

namespace rho::bench {
namespace {

using Layer = std::function<torch::Tensor(const torch::Tensor&)>;

/// Shares the memory of a contiguous tensor of ours.
torch::Tensor share(const Tensor& x) {
  const auto type = x.dtype() == DType::Float32   ? torch::kFloat32
                    : x.dtype() == DType::Float64 ? torch::kFloat64
                                                  : torch::kInt64;
  return torch::from_blob(x.raw(), {x.shape().begin(), x.shape().end()}, type);
}

Tensor copy(const torch::Tensor& x) {
  const torch::Tensor from = x.detach().contiguous();
  Shape shape;
  for (const std::int64_t extent : from.sizes()) shape.push_back(extent);
  const Tensor out = Tensor::empty(shape, DType::Float32);
  std::copy_n(from.data_ptr<float>(), from.numel(), out.data<float>());
  return out;
}

class Translated : public TorchNetwork {
 public:
  Translated(nn::Module& model, const Training& training, bool channels_last)
      : format_(channels_last ? torch::MemoryFormat::ChannelsLast
                              : torch::MemoryFormat::Contiguous) {
    for (const auto& [name, value] : nn::export_state(model)) {
      const torch::Tensor state = share(value);
      state_[name] = state.dim() == 4 ? state.clone(format_) : state.clone();
    }
    std::vector<torch::Tensor> parameters;
    for (const nn::NamedParameter& parameter : model.parameters()) {
      names_.push_back(parameter.name);
      parameters.push_back(state_.at(parameter.name).set_requires_grad(true));
    }
    net_ = translate(model, "");
    x_ = share(training.x).permute({0, 3, 1, 2}).clone(format_);
    labels_ = share(training.labels).clone();
    optimizer_ = std::make_unique<torch::optim::SGD>(
        parameters, torch::optim::SGDOptions(training.lr).momentum(training.momentum));
  }

  double backward() override {
    // Undefined, not zero: then nothing is added to.
    for (const std::string& name : names_) state_.at(name).mutable_grad().reset();
    training_ = true;
    const torch::Tensor loss = torch::cross_entropy_loss(net_(x_), labels_);
    loss.backward();
    return loss.item<double>();
  }
  double step() override {
    const double loss = backward();
    optimizer_->step();
    return loss;
  }
  Tensor evaluate() override {
    const torch::InferenceMode guard;
    training_ = false;
    return copy(net_(x_));
  }
  nn::NamedTensors gradients() const override {
    nn::NamedTensors out;
    for (const std::string& name : names_) out.emplace_back(name, copy(state_.at(name).grad()));
    return out;
  }

 private:
  /// The layer and those below it. Rectifiers work in place, where PyTorch's users let them.
  Layer translate(const nn::Module& module, const std::string& name) {
    const auto state = [&](const std::string& of) {
      const auto found = state_.find(nn::dotted(name, of));
      return found == state_.end() ? torch::Tensor() : found->second;
    };
    const std::string kind = module.kind();
    if (kind == "Sequential") {
      std::vector<Layer> layers;
      for (const auto& [child, layer] : module.children())
        layers.push_back(translate(*layer, nn::dotted(name, child)));
      return [layers](torch::Tensor x) {
        for (const Layer& layer : layers) x = layer(x);
        return x;
      };
    }
    if (kind == "Residual") {
      const Layer main = translate(*module.children().front().second, name);
      return [main](const torch::Tensor& x) {
        torch::Tensor y = main(x);
        return y.add_(shortcut(x, y)).relu_();
      };
    }
    if (const auto* conv = dynamic_cast<const nn::Conv2d*>(&module)) {
      const kernels::Conv2dOptions& options = conv->options();
      return [w = state("weight"), b = state("bias"), options](const torch::Tensor& x) {
        return torch::conv2d(x, w, b, {options.stride_h, options.stride_w},
                             {options.pad_h, options.pad_w}, 1, options.groups);
      };
    }
    if (kind == "Linear")
      return [w = state("weight"), b = state("bias")](const torch::Tensor& x) {
        return torch::linear(x, w, b);
      };
    if (kind == "BatchNorm2d")
      return [this, w = state("weight"), b = state("bias"), mean = state("running_mean"),
              variance = state("running_var")](const torch::Tensor& x) {
        return torch::batch_norm(x, w, b, mean, variance, training_, 0.1, 1e-5, false);
      };
    if (kind == "ReLU") return [](torch::Tensor x) { return x.relu_(); };
    if (kind == "Flatten") return [](const torch::Tensor& x) { return x.flatten(1); };
    if (kind == "GlobalAvgPool2d")
      return [](const torch::Tensor& x) {
        return torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
      };
    fail("torch", "layer ", name, " is a ", kind, ", which is not translated");
  }

  /// He et al.'s option A, the identity where the shapes are the same.
  static torch::Tensor shortcut(const torch::Tensor& x, const torch::Tensor& y) {
    if (x.sizes() == y.sizes()) return x;
    const std::int64_t stride = x.size(2) / y.size(2);
    const std::int64_t missing = y.size(1) - x.size(1), before = missing / 2;
    const torch::Tensor pixels = x.slice(2, 0, x.size(2), stride).slice(3, 0, x.size(3), stride);
    return torch::constant_pad_nd(pixels, {0, 0, 0, 0, before, missing - before});
  }

  torch::MemoryFormat format_;
  std::map<std::string, torch::Tensor> state_;
  std::vector<std::string> names_;  // of the parameters
  Layer net_;
  torch::Tensor x_, labels_;
  std::unique_ptr<torch::optim::SGD> optimizer_;
  bool training_ = true;
};

/// Hears of every allocation on its thread, where CPU operators allocate.
class PeakMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::int64_t, std::int64_t,
                         c10::Device) override {
    held_ += bytes;  // negative for what is released
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t held_ = 0, peak_ = 0;
};

}  // namespace

std::string torch_version() { return TORCH_VERSION; }

void set_torch_threads(int count) {
  torch::set_num_threads(count);
  using Set = void(int);
  if (auto* const set = reinterpret_cast<Set*>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(count);
}

std::unique_ptr<TorchNetwork> torch_network(nn::Module& model, const Training& training,
                                            bool channels_last) {
  return std::make_unique<Translated>(model, training, channels_last);
}

double torch_peak_bytes(nn::Module& model, const Training& training, bool channels_last) {
  const auto memory = std::make_shared<PeakMemory>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
  Translated network(model, training, channels_last);
  network.step();
  network.step();
  return static_cast<double>(memory->peak());
}

}  // namespace rho::bench
