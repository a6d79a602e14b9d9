// How the learning rate changes over the epochs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace rho::optim {

class Schedule {
 public:
  virtual ~Schedule() = default;
  /// What the initial learning rate is multiplied by in this epoch, counted from 0.
  virtual double factor(std::int64_t epoch) const = 0;
};

/// PyTorch's schedules, as functions of the epoch e:
///   "constant"               1
///   "step:EVERY:GAMMA"       GAMMA^floor(e / EVERY)
///   "multistep:E1,E2:GAMMA"  GAMMA^(how many of E1, E2, ... are <= e)
///   "cosine:EPOCHS"          (1 + cos(pi e / EPOCHS)) / 2, and 0 from EPOCHS on
/// Epochs are integers >= 1, GAMMA > 0. Throws, with the text and these forms, otherwise.
std::unique_ptr<Schedule> make_schedule(const std::string& text);

}  // namespace rho::optim
