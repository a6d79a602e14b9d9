// The networks in libtorch.
#pragma once

#include <memory>
#include <string>

#include "bench/support/network.h"

namespace rho::bench {

/// A network as PyTorch computes it, with the parameters that ours had when it was made.
class TorchNetwork {
 public:
  virtual ~TorchNetwork() = default;

  /// Gradients of the mean cross-entropy, without the old ones. Returns the loss.
  virtual double backward() = 0;
  /// backward(), then stochastic gradient descent. Returns the loss before it.
  virtual double step() = 0;
  /// The logits in evaluation mode, without a graph.
  virtual Tensor evaluate() = 0;
  /// Those of the last backward(), by name and in PyTorch's layout, as nn::export_state has the
  /// parameters.
  virtual nn::NamedTensors gradients() const = 0;
};

/// Empty where the benchmarks were configured without libtorch, and so are the pointers below.
std::string torch_version();
/// Of libtorch, and of the OpenBLAS in it.
void set_torch_threads(int count);

std::unique_ptr<TorchNetwork> torch_network(nn::Module& model, const Training& training,
                                            bool channels_last);
/// The most memory that its tensors hold at once, from the making of the network to the end of its
/// second step.
double torch_peak_bytes(nn::Module& model, const Training& training, bool channels_last);

}  // namespace rho::bench
