// Contracts of elementwise arithmetic: tensors of one shape (broadcasting is a view with stride 0)
// and one floating dtype, any strides. An output may be one of the inputs.
#pragma once

#include "kernels/expect.h"
#include "kernels/slot.h"

namespace rho::kernels {

using BinaryKernel = void(const Tensor& a, const Tensor& b, const Tensor& out);
inline constinit Slot<BinaryKernel> add{"add"};
inline constinit Slot<BinaryKernel> sub{"sub"};
inline constinit Slot<BinaryKernel> mul{"mul"};
inline constinit Slot<BinaryKernel> div{"div"};

using UnaryKernel = void(const Tensor& x, const Tensor& out);
inline constinit Slot<UnaryKernel> exp{"exp"};
inline constinit Slot<UnaryKernel> log{"log"};
inline constinit Slot<UnaryKernel> sqrt{"sqrt"};
inline constinit Slot<UnaryKernel> abs{"abs"};
inline constinit Slot<UnaryKernel> sign{"sign"};          ///< -1, 0 or 1; NaN stays
inline constinit Slot<UnaryKernel> softplus{"softplus"};  ///< log(1 + e^x)
inline constinit Slot<UnaryKernel> sigmoid{"sigmoid"};    ///< 1 / (1 + e^-x)

/// out = x^exponent
inline constinit Slot<void(const Tensor& x, double exponent, const Tensor& out)> pow{"pow"};
/// out = factor * x + offset, computed in the dtype of x
inline constinit Slot<void(const Tensor& x, double factor, double offset, const Tensor& out)>
    affine{"affine"};

}  // namespace rho::kernels
