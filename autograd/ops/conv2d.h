// Two-dimensional convolution (cross-correlation), channels last.
#pragma once

#include "autograd/ops/epilogue.h"
#include "kernels/conv2d.h"

namespace rho {

/// x [N, H, W, C], weight [O, KH, KW, C / groups] -> [N, OH, OW, O] with
/// OH = (H + 2 pad_h - KH) / stride_h + 1 (floor), OW alike.
Variable conv2d(const Variable& x, const Variable& weight,
                const kernels::Conv2dOptions& options = {});

/// The same with a bias [O] (undefined: none) and what follows, in one pass over y: its values and
/// gradients are those of the separate operations.
Variable conv2d(const Variable& x, const Variable& weight, const kernels::Conv2dOptions& options,
                const Variable& bias, const Epilogue& then = {});

}  // namespace rho
