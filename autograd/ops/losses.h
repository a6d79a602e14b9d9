// Training losses. Each is a mean over the examples by default; Reduction::Sum gives the sum.
#pragma once

#include "autograd/variable.h"

namespace rho {

enum class Reduction { Mean, Sum };

/// -log softmax(logits)[label]; logits [N, C], labels int64 [N] in 0..C-1.
Variable cross_entropy(const Variable& logits, const Tensor& labels,
                       Reduction reduction = Reduction::Mean);
/// log(1 + exp(-y f)); f [N], y [N] of -1/+1 in the dtype of f.
Variable logistic_loss(const Variable& f, const Tensor& y, Reduction reduction = Reduction::Mean);
/// exp(-y f); f [N], y [N] of -1/+1 (WNBN eq. 5, which is the sum).
Variable exponential_loss(const Variable& f, const Tensor& y,
                          Reduction reduction = Reduction::Mean);
/// sum over j != label of exp(-(f_label - f_j)); logits [N, C], labels int64 [N].
Variable multiclass_exponential_loss(const Variable& logits, const Tensor& labels,
                                     Reduction reduction = Reduction::Mean);
/// (f - target)^2 summed over the last dimensions; f and target [N, ...].
Variable square_loss(const Variable& f, const Tensor& target,
                     Reduction reduction = Reduction::Mean);

}  // namespace rho
