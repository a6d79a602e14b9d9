// What follows a layer's linear part in a network, and may be done in the same pass over memory.
#pragma once

#include "autograd/variable.h"

namespace rho {

/// y -> relu(y + residual), either part optional.
struct Epilogue {
  Variable residual = {};  ///< undefined: none; else of the shape of y
  bool relu = false;
};

/// One operation at a time, for results whose operation can not do it.
Variable apply(const Epilogue& epilogue, const Variable& y);

}  // namespace rho
