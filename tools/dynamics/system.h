// What a flow needs to know of a network, its training set and its loss: where the layers are, and
// the gradient.
#pragma once

#include <string>

#include "nn/layers/sequential.h"
#include "optim/optimizer.h"
#include "tools/dynamics/examples.h"

namespace rho::dynamics {

/// L = sum_n l(y_n f(x_n)) with l(m) = exp(-m), or log(1 + exp(-m)) (TheoryIII eq. 7).
enum class Loss { Exponential, Logistic };

/// The weights are one vector, layer after layer, each row-major.
class System {
 public:
  virtual ~System() = default;
  System() = default;
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  /// How many weights each layer has.
  virtual std::vector<std::size_t> layers() const = 0;
  /// y_n f(W; x_n) of every example.
  virtual Vector margins(const Vector& w) = 0;
  /// dL/dW.
  virtual Vector gradient(const Vector& w) = 0;

  /// The norm of each layer, rho_k.
  Vector norms(const Vector& w) const;
  /// rho = prod_k rho_k.
  double rho(const Vector& w) const;
  /// The smallest margin of the network with unit-norm layers, min_n y_n f(x_n) / rho.
  double normalized_margin(const Vector& w);
};

/// f(x) = <w, x>, its gradient written out.
class LinearSystem : public System {
 public:
  LinearSystem(Examples examples, Loss loss);

  std::vector<std::size_t> layers() const override { return {examples_.inputs}; }
  Vector margins(const Vector& w) override;
  Vector gradient(const Vector& w) override;

 private:
  Examples examples_;
  Loss loss_;
};

/// Fully connected layers without biases, one output, in float64; its gradient is autograd's.
class NetworkSystem : public System {
 public:
  /// `widths`: the inputs, then the outputs of each layer, the last of them 1. With `relu` there
  /// is a rectifier between two layers. Throws where the widths do not fit the examples.
  NetworkSystem(const Examples& examples, Loss loss, const std::vector<std::int64_t>& widths,
                bool relu);

  std::vector<std::size_t> layers() const override;
  Vector margins(const Vector& w) override;
  Vector gradient(const Vector& w) override;

  /// For an optimizer: a constrained group a layer, which hold the weights `w` from now on.
  std::vector<optim::Group> start(const Vector& w);
  /// Puts dL/dW of the current weights into the groups' gradients.
  void backward();
  /// The current weights.
  Vector weights() const;

 private:
  void set_weights(const Vector& w);
  Variable outputs();

  nn::Sequential model_;
  std::vector<Variable> weights_;
  Variable x_;  // [N, inputs]
  Tensor y_;    // [N]
  Loss loss_;
};

}  // namespace rho::dynamics
