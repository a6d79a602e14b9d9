// Which epoch of a run is its snapshot.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace rho::tools {

/// The epoch whose training loss came nearest to a target; the earliest of equals.
class NearestEpoch {
 public:
  explicit NearestEpoch(double loss) : loss_(loss) {}

  /// Epochs come in order.
  void offer(std::int64_t epoch, double train_loss) {
    const double distance = std::abs(train_loss - loss_);
    if (!(distance < distance_)) return;
    distance_ = distance;
    epoch_ = epoch;
  }
  /// 0 before the first.
  std::int64_t epoch() const { return epoch_; }

 private:
  double loss_;
  double distance_ = std::numeric_limits<double>::infinity();
  std::int64_t epoch_ = 0;
};

}  // namespace rho::tools
