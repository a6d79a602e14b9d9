// The networks in Python's PyTorch, which runs in a process of its own (pytorch_peer.py): it has
// the CUDA, the compiler and the CUDA graphs that Debian's libtorch lacks.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/peers/torch.h"
#include "kernels/precision.h"

namespace rho::bench {

/// How PyTorch runs a network: one of PyTorch::modes(), what its products and in bf16 its
/// activations are rounded to, and the threads of a CPU.
struct TorchSettings {
  std::string mode;
  kernels::ProductPrecision precision = kernels::ProductPrecision::Float32;
  int threads = 1;
};

/// A network over there. Its methods throw what went wrong there.
class PyTorchNetwork : public TorchNetwork {
 public:
  /// Seconds of one of `calls` calls, by the same rules as ours (turn_options().clock), but that
  /// the loss of a step stays on the device.
  virtual double seconds(Task task, int calls) = 0;
};

/// The interpreter, and what it is asked.
class PyTorchProcess;

class PyTorch {
 public:
  /// Starts `python`, looked up in PATH, and tries every mode on a small network. Never throws for
  /// what is missing: see absence(). `device`: where its networks are. `patience`: the seconds, a
  /// whole number from 1 on, after which a process that owes an answer is ended; compiling a deep
  /// network takes minutes.
  PyTorch(const std::string& python, Device device, int patience = 600);
  ~PyTorch();
  PyTorch(const PyTorch&) = delete;
  PyTorch& operator=(const PyTorch&) = delete;

  /// Why there is no PyTorch, or none any more; empty as long as there is.
  const std::string& absence() const;
  /// Its version, the modes that work and why the others do not, in one line; or absence().
  std::string description() const;
  /// Those that work, "eager" first; none where it is absent. A graph is one of a whole step.
  std::vector<std::string> modes() const;

  /// `name`: the model's, as build (bench/support/network.h) has it. Throws where this mode can not
  /// run the network. The network must not outlive this.
  std::unique_ptr<PyTorchNetwork> network(const std::string& name, nn::Module& model,
                                          const Training& training, const TorchSettings& settings);
  /// The most memory, in bytes of a CUDA device, that its allocator has given out at once in a
  /// step: network, batch, optimizer, and the work space of cuDNN.
  double peak_bytes(const std::string& name, nn::Module& model, const Training& training,
                    const TorchSettings& settings);

 private:
  std::unique_ptr<PyTorchProcess> process_;
};

}  // namespace rho::bench
