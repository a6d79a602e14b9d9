// Fits a shallow or a compositional network to a function of 8 variables.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/precision.h"
#include "kernels/provider.h"
#include "nn/module.h"
#include "tensor/random.h"

namespace rho::approximate {

struct FitOptions {
  std::string network = "compositional";  ///< or "shallow"
  std::string target = "compositional";   ///< see target.h
  std::int64_t units = 112;
  std::int64_t steps = 10000, batch = 256;
  std::string optimizer = "adam";  ///< or "sgd"
  double lr = 0.01;
  std::string schedule = "cosine";  ///< over the steps, to 0; or "constant"
  std::uint64_t seed = 1;           ///< of the weights and of the batches
  DType dtype = DType::Float32;     ///< of the network while it is trained
  // Of the products of its training steps.
  kernels::ProductPrecision precision = kernels::ProductPrecision::Float32;
  kernels::ProductProvider provider = kernels::ProductProvider::Rho;
};

/// Points uniform in I^8 = [-1, 1)^8: [count, 8].
Tensor random_points(std::int64_t count, Rng& rng, DType dtype);

/// The network that minimizes the mean square difference on a fresh random batch each step: there
/// is no training set, and so no generalization gap. It is trained, and stays, on `device`. Throws
/// where the units do not fit the network, where the device has no such products, and where
/// training diverges.
std::shared_ptr<nn::Module> fit(const FitOptions& options, Device device = {});

}  // namespace rho::approximate
