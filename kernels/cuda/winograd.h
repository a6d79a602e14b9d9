// Convolutions of 3 x 3 taps and stride 1 in float by Winograd's minimal filtering: the scheme of
// kernels/cpu/winograd.h, which has the bound on its rounding, with 36 multiplications for 4 x 4
// outputs instead of 144.
#pragma once

#include "kernels/conv2d.h"

namespace rho::kernels::cuda {

/// Whether the convolutions of x, w and y go this way: where this thread asks for IEEE products of
/// float32, the algorithm can be used, and the shapes are so large that it pays.
bool takes_winograd(const Tensor& x, const Tensor& w, const Tensor& y,
                    const Conv2dOptions& options);

// As the contracts say, of any extents where w is [O, 3, 3, C] and the options have the stride 1
// and one group.

void winograd_forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                      const Conv2dEpilogue& then, const Tensor& y);
/// + rest, where it is defined (kernels/cuda/conv2d.h).
void winograd_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                         const Tensor& rest, const Tensor& grad_x);
void winograd_weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                          const Tensor& grad_w);

}  // namespace rho::kernels::cuda
