// Independent random numbers for each use of a run's seed.
#pragma once

#include "tensor/random.h"
#include "tools/support/options.h"

namespace rho::tools {

/// New ones go to the end: the numbers of the others stay, and with them every run.
enum class Stream : std::uint64_t {
  Weights,
  Order,
  Subset,
  CorruptTrain,
  CorruptTest,
  Noise,
  SubsetTest,
  Pixels
};

inline Rng rng_of(const TrainOptions& options, Stream stream) {
  return Rng(options.seed, static_cast<std::uint64_t>(stream));
}
inline std::uint64_t seed_of(const TrainOptions& options, Stream stream) {
  return rng_of(options, stream).next();
}

}  // namespace rho::tools
