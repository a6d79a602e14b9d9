// Where an axis starts and ends, and what is written at its ticks.
#pragma once

#include <string>
#include <vector>

#include "tools/figures/content.h"

namespace rho::figures {

struct Tick {
  double at;
  std::string text;  ///< empty: a small tick
};

struct Scale {
  double low = 0.0, high = 1.0;
  std::vector<Tick> ticks;
  std::string label;  ///< of the axis, with the power of ten that the ticks leave out
  bool log = false;

  /// The part of the axis, 0 to 1, at which a value lies.
  double part(double value) const;
};

/// An axis for values from `low` to `high`, with some room on either side, and at most `most` ticks
/// with text. Values of a logarithmic axis are positive.
Scale make_scale(const Axis& axis, double low, double high, int most);

}  // namespace rho::figures
