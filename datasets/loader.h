// Batches of a data set, prepared ahead of the training thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "datasets/dataset.h"

namespace rho::datasets {

struct Batch {
  Tensor inputs;  ///< standardized, `dtype`, [B, H, W, C] or [B, D]
  Tensor labels;  ///< int64 [B]
};

struct LoaderOptions {
  std::int64_t batch = 100;
  bool shuffle = false;
  bool augment = false;  ///< pad by 4, random crop, random horizontal flip (images only)
  DType dtype = DType::Float32;
  std::uint64_t seed = 0;
  Device device{};  ///< where batches are made ready for
};

/// Order and augmentation depend on (seed, epoch, index) alone, so an epoch can be replayed after a
/// resume. A worker thread keeps a few batches ready, on their device.
class Loader {
 public:
  Loader(const Dataset& dataset, Standardization standardization, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Starts (or restarts) epoch `epoch`; drops what was prefetched.
  void start(std::int64_t epoch);
  /// The next batch of this epoch (the last may be smaller), or nothing at its end. An error on the
  /// worker is rethrown here.
  std::optional<Batch> next();
  std::int64_t batches() const;  ///< per epoch

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rho::datasets
