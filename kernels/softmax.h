// Contracts of log-softmax and cross-entropy on contiguous rows x [R, C], C >= 1 where R >= 1. The
// largest value of a row is subtracted first, so nothing overflows.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

inline void expect_rows(std::string_view op, const Tensor& x) {
  check(x.rank() == 2 && (x.size(1) >= 1 || x.size(0) == 0), op,
        "expects [R, C] with C >= 1, found ", x.shape());
  check(x.is_contiguous(), op, "expects a contiguous tensor");
}

inline void check_label(std::string_view op, std::int64_t label, std::int64_t example,
                        std::int64_t classes) {
  check(0 <= label && label < classes, op, "label ", label, " of example ", example,
        ", expected 0 to ", classes - 1);
}

/// out[r, c] = x[r, c] - log sum over j of exp x[r, j]
inline constinit Slot<void(const Tensor& x, const Tensor& out)> log_softmax{"log_softmax"};

/// losses[r] = -log_softmax(x)[r, labels[r]]; labels int64 [R] in 0..C-1, checked.
inline constinit Slot<void(const Tensor& x, const Tensor& labels, const Tensor& losses)>
    cross_entropy{"cross_entropy"};

/// out[r, c] = softmax(x)[r, c] - (c == labels[r]): the gradient of the sum of the losses.
inline constinit Slot<void(const Tensor& x, const Tensor& labels, const Tensor& out)>
    cross_entropy_grad{"cross_entropy_grad"};

}  // namespace rho::kernels
