// Large matrix products in tf32 and bf16 by the instructions of compute capability 9.0 alone
// (wgmma, and copies of tiles that the device makes by itself). Built where code for such a device
// is.
#pragma once

#include "tensor/tensor.h"

namespace rho::kernels::cuda {

/// Whether it is built, and `device` has it.
bool has_warpgroup_product(Device device);

/// Whether matmul's a [M, K], b [K, N] and out [M, N] (leading extents 1) are multiplied this way:
/// where this thread asks for tf32 or bf16, the device has it, and the shapes are so large that it
/// pays.
bool takes_warpgroup_product(const Tensor& a, const Tensor& b, const Tensor& out);

/// out = a b of any shapes above 0, as matmul's contract says, in the precision of this thread,
/// which is TensorFloat32 or BFloat16.
void warpgroup_product(const Tensor& a, const Tensor& b, const Tensor& out);

}  // namespace rho::kernels::cuda
