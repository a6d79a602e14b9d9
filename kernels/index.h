// Contracts of gather and scatter-add on row-major positions. All tensors are contiguous; `index`
// is int64 with values in [0, numel of the indexed tensor), checked.
#pragma once

#include "kernels/slot.h"

namespace rho::kernels {

/// That `one_each`, with an element for each index, and `indexed` fit.
inline void expect_indexed(std::string_view op, const Tensor& one_each, const Tensor& index,
                           const Tensor& indexed) {
  check(one_each.numel() == index.numel(), op, index.numel(), " indices for ", one_each.numel(),
        " elements");
  check(one_each.is_contiguous() && index.is_contiguous() && indexed.is_contiguous(), op,
        "expects contiguous tensors");
}

inline void check_index(std::string_view op, std::int64_t at, std::int64_t limit) {
  check(0 <= at && at < limit, op, "index ", at, " of an array of ", limit, " elements");
}

/// out[i] = x.flat[index[i]]
inline constinit Slot<void(const Tensor& x, const Tensor& index, const Tensor& out)> gather{
    "gather"};
/// out.flat[index[i]] += g[i], in order of i; out keeps what it held elsewhere.
inline constinit Slot<void(const Tensor& g, const Tensor& index, const Tensor& out)> scatter_add{
    "scatter_add"};

}  // namespace rho::kernels
