// What follows a layer's linear part in a network, and may be done in the same pass over memory.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// Mean and biased variance of each channel of a result [..., C]; undefined where nobody took them.
struct BatchStatistics {
  Tensor mean, variance;  ///< [C]
};

/// y -> relu(y + residual), either part optional.
struct Epilogue {
  Variable residual = {};  ///< undefined: none; else of the shape of y
  bool relu = false;
  /// Where statistics are wanted of a y that nothing else follows: set by operations that can take
  /// them in the same pass.
  BatchStatistics* statistics = nullptr;
};

/// One operation at a time, for results whose operation can not do it.
Variable apply(const Epilogue& epilogue, const Variable& y);

}  // namespace rho
