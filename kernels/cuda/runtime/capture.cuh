// CUDA graphs (tensor/graph.h).
#pragma once

#include "kernels/cuda/runtime/stream.cuh"
#include "tensor/tensor.h"

namespace rho::kernels::cuda {

/// `tensor`, which work on `device` reads later, lives as long as what is being captured there;
/// else its allocator knows how long it is in use.
void keep_while_captured(const Tensor& tensor, Device device);

}  // namespace rho::kernels::cuda
