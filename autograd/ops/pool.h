// Pooling on channels-last feature maps x [N, H, W, C].
#pragma once

#include "autograd/variable.h"
#include "kernels/pool.h"

namespace rho {

using kernels::Pool2dOptions;

/// Largest value in each window; padding never wins. -> [N, OH, OW, C]
Variable max_pool2d(const Variable& x, const Pool2dOptions& options);
/// Mean of each window; padding counts as zeros (PyTorch's count_include_pad). -> [N, OH, OW, C]
Variable avg_pool2d(const Variable& x, const Pool2dOptions& options);
/// Mean over H and W. -> [N, C]
Variable global_avg_pool2d(const Variable& x);

}  // namespace rho
