// A network of ours in training, as the benchmarks run it.
#pragma once

#include <memory>
#include <string>

#include "nn/gradient_step.h"
#include "nn/state.h"
#include "optim/sgd.h"

namespace rho::bench {

/// A network for 32 x 32 x 3 images of ten classes, by its name; convnet3-W has any width.
std::shared_ptr<nn::Module> build(const std::string& name, DType dtype = DType::Float32);

/// What is trained: a batch, and how.
struct Training {
  Tensor x, labels;  ///< [N, H, W, C] of float32, [N] of int64
  double lr = 1e-4, momentum = 0.9;
};

/// A random batch.
Training random_training(std::int64_t batch);

/// What is timed of a network.
enum class Task { Step, Evaluation };

/// The same training in another precision.
Training in_dtype(const Training& training, DType dtype);

/// A network, its data and its optimizer. See TorchNetwork (bench/peers/torch.h) for the methods.
class Network {
 public:
  Network(std::shared_ptr<nn::Module> model, const Training& training, Device device);

  double backward();
  double step();
  Tensor evaluate();
  nn::NamedTensors gradients() const;

 private:
  std::shared_ptr<nn::Module> model_;
  nn::GradientStep gradients_, step_;  // without and with the update
  Tensor x_, labels_;
  optim::Sgd optimizer_;
};

/// The operations of convolutions and fully connected layers (two a product), and their lengths.
struct Cost {
  double forward = 0.0;  ///< operations
  double step = 0.0;     ///< of forward and backward; the first layer has no input gradient
  double terms = 0.0;    ///< products that make one output of a layer, summed over the layers
  int layers = 0;        ///< those with weights
};
Cost cost(nn::Module& model, const Tensor& x);

/// As torch_peak_bytes (bench/peers/torch.h).
double peak_bytes(const std::string& name, std::int64_t batch, Device device);

}  // namespace rho::bench
