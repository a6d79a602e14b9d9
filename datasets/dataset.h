// A data set in memory, as its reader found it.
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace rho::datasets {

/// Examples in reading order.
struct Dataset {
  std::string name;  ///< "fashion-mnist/train"
  Tensor examples;   ///< uint8 [N, H, W, C] images, or float64 [N, D] features
  Tensor labels;     ///< int64 [N], 0..classes-1
  std::int64_t classes = 0;

  std::int64_t size() const { return labels.defined() ? labels.size(0) : 0; }
};

struct Split {
  Dataset train;
  Dataset test;
};

/// Reads `name` ("fashion-mnist", "mnist", "cifar10", "cifar100", "folder", "csv") from `directory`
/// (empty: the default place, which only Debian's fashion-mnist has). Throws, naming the file.
Split load(const std::string& name, const std::string& directory);

/// Per-channel affine map from raw values to network input: (x / divisor - mean) / std.
struct Standardization {
  double divisor = 1.0;      ///< 255 for images, so that mean and std are in [0, 1] units
  std::vector<double> mean;  ///< one per channel or feature
  std::vector<double> std;
};
/// Measured on `dataset`; a constant channel gets std 1.
Standardization measure_standardization(const Dataset& dataset);

}  // namespace rho::datasets
