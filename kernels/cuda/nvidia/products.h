// Products by NVIDIA's libraries (ProductProvider::Nvidia), which are opened at the first of them.
// The slots' own functions have checked the arguments. What a library can not do, and a library
// that is not there, is an Error: no kernel of ours takes its place.
#pragma once

#include "kernels/conv2d.h"

namespace rho::kernels::nvidia {

/// cuBLAS's, whose operands are copied first where their strides are none that it takes. M, N and K
/// are not 0.
void matmul(const Tensor& a, const Tensor& b, const Tensor& out);

/// cuDNN's, by an algorithm that adds up the products themselves and gives the same bits every
/// time; other kernels of ours follow for the epilogue.
void conv2d_forward(const Tensor& x, const Tensor& w, const Conv2dOptions& options,
                    const Conv2dEpilogue& then, const Tensor& y);
void conv2d_input_grad(const Tensor& grad_y, const Tensor& w, const Conv2dOptions& options,
                       const Tensor& grad_x);
void conv2d_weight_grad(const Tensor& x, const Tensor& grad_y, const Conv2dOptions& options,
                        const Tensor& grad_w);

}  // namespace rho::kernels::nvidia
