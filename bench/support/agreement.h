// Whether a network computes what its twin in double does.
#pragma once

#include <array>
#include <string>

#include "bench/support/network.h"
#include "kernels/precision.h"

namespace rho::bench {

/// What a network computes from its first parameters.
struct Results {
  Tensor logits;  ///< in evaluation
  double loss;
  nn::NamedTensors gradients;
  std::array<double, 3> losses;  ///< of the steps that follow
};

/// Network, TorchNetwork.
template <class AnyNetwork>
Results results(AnyNetwork& network) {
  Results out{network.evaluate(), network.backward(), network.gradients(), {}};
  for (double& loss : out.losses) loss = network.step();
  return out;
}

/// Compares with the same network in double; `cost` is the network's, `precision` what products
/// were computed in. Returns what is wrong, empty where nothing is.
///
/// An output of a layer is off by at most epsilon times the number of its terms, relative to its
/// size, and the errors of the layers add up. With products in a lower precision of unit roundoff u
/// a layer rounds five tensors, where also what it stores is in that precision, as in PyTorch's
/// bfloat16: two operands, the product, the normalized one and the rectified sum. Their errors are
/// independent, so that k of them make sqrt(k) u, and 8 times as much almost never (Higham and Mary
/// 2019, theorem 2.4). Logits and loss are continuous in the outputs of the layers, and as much
/// off.
///
/// A gradient is not continuous: as large a fraction of the rectifiers may fall on the other side
/// of zero, and to change a fraction p of a sum's terms changes it by sqrt(p). That holds of every
/// parameter's in float32, and of all together in a lower precision, in which sums that nearly
/// cancel, as those of batch norm's biases, are mostly rounding. Steps move the loss, and are off
/// as their gradients are.
std::string mistake(const Results& found, const Results& expected, const Cost& cost,
                    kernels::ProductPrecision precision);

}  // namespace rho::bench
