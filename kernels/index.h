// Contracts of gather and scatter-add on row-major positions. All tensors are contiguous; `index`
// is int64 with values in [0, numel of the indexed tensor), checked.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// out[i] = x.flat[index[i]]
inline constinit Slot<void(const Tensor& x, const Tensor& index, const Tensor& out)> gather{
    "gather"};
/// out.flat[index[i]] += g[i], in order of i; out keeps what it held elsewhere.
inline constinit Slot<void(const Tensor& g, const Tensor& index, const Tensor& out)> scatter_add{
    "scatter_add"};

}  // namespace rho::kernels
