#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/report.cuh"
#include "kernels/fill.h"
#include "kernels/index.h"

namespace rho::kernels {
namespace {

template <class T>
struct Gather {
  const T* x;
  const std::int64_t* index;
  std::int64_t limit;
  T* out;
  cuda::Reporter report;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t at = index[i];
    if (0 <= at && at < limit)
      out[i] = x[at];
    else
      report(at, limit, 0);
  }
};

void gather_cuda(const Tensor& x, const Tensor& index, const Tensor& out) {
  expect_indexed("gather", out, index, x);
  dispatch_floating(x.dtype(), "gather", [&]<class T>() {
    cuda::for_each("gather", x.device(), index.numel(),
                   Gather<T>{x.data<T>(), index.data<std::int64_t>(), x.numel(), out.data<T>(),
                             cuda::reporter([](std::int64_t at, std::int64_t limit, std::int64_t) {
                               check_index("gather", at, limit);
                             })});
  });
}

// Atomic additions would come in any order, and so would their roundings. Instead the terms of an
// element are linked to a list, which is in any order too, and each list is sorted before it is
// added up. Where few elements share a position, as in pooling, lists are short.

struct Link {
  const std::int64_t* index;
  std::int64_t limit;
  std::int64_t *first, *next;  // of an element, of a term; -1: none
  cuda::Reporter report;

  __device__ void operator()(std::int64_t i) const {
    const std::int64_t at = index[i];
    if (at < 0 || at >= limit) return report(at, limit, 0);
    // CUDA has atomics on unsigned words alone.
    auto* const head = reinterpret_cast<unsigned long long*>(first + at);
    next[i] = static_cast<std::int64_t>(atomicExch(head, static_cast<unsigned long long>(i)));
  }
};

/// Merge sort of a list, from runs of one to the whole; needs no memory.
__device__ inline std::int64_t sorted(std::int64_t list, std::int64_t* next) {
  if (list < 0) return list;
  for (std::int64_t run = 1;; run *= 2) {
    std::int64_t rest = list, last = -1, merges = 0;
    list = -1;
    while (rest >= 0) {
      ++merges;
      std::int64_t left = rest, right = rest, left_count = 0, right_count = run;
      for (; left_count < run && right >= 0; ++left_count) right = next[right];
      while (left_count > 0 || (right_count > 0 && right >= 0)) {
        const bool from_left = left_count > 0 && (right_count == 0 || right < 0 || left < right);
        const std::int64_t taken = from_left ? left : right;
        (from_left ? left : right) = next[taken];
        --(from_left ? left_count : right_count);
        (last < 0 ? list : next[last]) = taken;
        last = taken;
      }
      rest = right;
    }
    next[last] = -1;
    if (merges == 1) return list;
  }
}

template <class T>
struct AddLists {
  const T* g;
  std::int64_t *first, *next;
  T* out;

  __device__ void operator()(std::int64_t at) const {
    std::int64_t i = sorted(first[at], next);
    if (i < 0) return;
    T total = out[at];
    for (; i >= 0; i = next[i]) total += g[i];
    out[at] = total;
  }
};

void scatter_add_cuda(const Tensor& g, const Tensor& index, const Tensor& out) {
  constexpr auto op = "scatter_add";
  expect_indexed(op, g, index, out);
  if (index.numel() == 0) return;
  const Device device = out.device();
  const Tensor first = full({out.numel()}, -1.0, DType::Int64, device);
  const Tensor next = Tensor::empty({index.numel()}, DType::Int64, device);
  cuda::for_each(op, device, index.numel(),
                 Link{index.data<std::int64_t>(), out.numel(), first.data<std::int64_t>(),
                      next.data<std::int64_t>(),
                      cuda::reporter([](std::int64_t at, std::int64_t limit, std::int64_t) {
                        check_index("scatter_add", at, limit);
                      })});
  dispatch_floating(g.dtype(), op, [&]<class T>() {
    cuda::for_each(op, device, out.numel(),
                   AddLists<T>{g.data<T>(), first.data<std::int64_t>(), next.data<std::int64_t>(),
                               out.data<T>()});
  });
}

const Fill fill_gather{gather, DeviceType::CUDA, &gather_cuda};
const Fill fill_scatter_add{scatter_add, DeviceType::CUDA, &scatter_add_cuda};

}  // namespace
}  // namespace rho::kernels
