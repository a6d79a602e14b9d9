// Random labels (Zhang et al. 2017).
#pragma once

#include <string>

#include "datasets/dataset.h"

namespace rho::datasets {

/// What a chosen label becomes.
enum class CorruptionMode {
  Uniform,        ///< any class, the true one included
  UniformOthers,  ///< any class but the true one
  Permutation,    ///< the label of another chosen example: the frequencies of classes stay
};

/// "uniform", "uniform-others", "permutation"; throws, naming what was found, otherwise.
CorruptionMode parse_corruption_mode(const std::string& text);

struct Corruption {
  Dataset dataset;  ///< shares its examples with the original
  Tensor
      indices;  ///< int64 [K] ascending: the chosen examples, also where a label came out the same
};

/// Chooses round(fraction * size) examples and corrupts their labels. Throws unless
/// 0 <= fraction <= 1, and for UniformOthers unless there are at least 2 classes.
Corruption corrupt_labels(const Dataset& dataset, double fraction, CorruptionMode mode,
                          std::uint64_t seed);

}  // namespace rho::datasets
