// Pooling on channels-last feature maps x [N, H, W, C].
#pragma once

#include "autograd/variable.h"

namespace rho {

struct Pool2dOptions {
  std::int64_t size_h = 2, size_w = 2;
  std::int64_t stride_h = 2, stride_w = 2;
  std::int64_t pad_h = 0, pad_w = 0;
};

/// Largest value in each window; padding never wins. -> [N, OH, OW, C]
Variable max_pool2d(const Variable& x, const Pool2dOptions& options);
/// Mean of each window; padding counts as zeros (PyTorch's count_include_pad). -> [N, OH, OW, C]
Variable avg_pool2d(const Variable& x, const Pool2dOptions& options);
/// Mean over H and W. -> [N, C]
Variable global_avg_pool2d(const Variable& x);

}  // namespace rho
