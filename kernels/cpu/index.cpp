#include "kernels/index.h"

namespace rho::kernels {
namespace {

/// Checks the contract and calls visit(i, index[i]) in order.
template <class Visit>
void for_each_index(std::string_view op, const Tensor& one_each, const Tensor& index,
                    const Tensor& indexed, const Visit& visit) {
  expect_indexed(op, one_each, index, indexed);
  const std::int64_t count = index.numel(), limit = indexed.numel();
  const auto* const positions = index.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = positions[i];
    check_index(op, at, limit);
    visit(i, at);
  }
}

void gather_cpu(const Tensor& x, const Tensor& index, const Tensor& out) {
  dispatch_floating(x.dtype(), "gather", [&]<class T>() {
    const T* const from = x.data<T>();
    T* const to = out.data<T>();
    for_each_index("gather", out, index, x,
                   [&](std::int64_t i, std::int64_t at) { to[i] = from[at]; });
  });
}

void scatter_add_cpu(const Tensor& g, const Tensor& index, const Tensor& out) {
  dispatch_floating(g.dtype(), "scatter_add", [&]<class T>() {
    const T* const from = g.data<T>();
    T* const to = out.data<T>();
    for_each_index("scatter_add", g, index, out,
                   [&](std::int64_t i, std::int64_t at) { to[at] += from[i]; });
  });
}

const Fill fill_gather{gather, DeviceType::CPU, &gather_cpu};
const Fill fill_scatter_add{scatter_add, DeviceType::CPU, &scatter_add_cpu};

}  // namespace
}  // namespace rho::kernels
