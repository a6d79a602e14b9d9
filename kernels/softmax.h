// Contracts of log-softmax and cross-entropy on contiguous rows x [R, C], C >= 1 where R >= 1. The
// largest value of a row is subtracted first, so nothing overflows.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// out[r, c] = x[r, c] - log sum over j of exp x[r, j]
inline constinit Slot<void(const Tensor& x, const Tensor& out)> log_softmax{"log_softmax"};

/// losses[r] = -log_softmax(x)[r, labels[r]]; labels int64 [R] in 0..C-1, checked.
inline constinit Slot<void(const Tensor& x, const Tensor& labels, const Tensor& losses)>
    cross_entropy{"cross_entropy"};

/// out[r, c] = softmax(x)[r, c] - (c == labels[r]): the gradient of the sum of the losses.
inline constinit Slot<void(const Tensor& x, const Tensor& labels, const Tensor& out)>
    cross_entropy_grad{"cross_entropy_grad"};

}  // namespace rho::kernels
