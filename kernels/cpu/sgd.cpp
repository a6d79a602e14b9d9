#include "kernels/sgd.h"

#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements for a thread to take at once

template <class T>
void step_parameter(const SgdVectors& of, const SgdStep& step) {
  const T *const x = of.x.data<T>(), *const grad = of.grad.data<T>();
  T* const velocity = of.velocity.data_or_null<T>();
  T* const out = of.out.data<T>();
  cpu::parallel_ranges(of.x.numel(), kGrain, [&](std::int64_t i, std::int64_t end) {
    if (velocity == nullptr)
      for (; i < end; ++i) out[i] = sgd_element<T>(step, x[i], grad[i], nullptr);
    else
      for (; i < end; ++i) out[i] = sgd_element(step, x[i], grad[i], velocity + i);
  });
}

void sgd_cpu(const std::vector<SgdVectors>& parameters, const SgdStep& step) {
  for (const SgdVectors& of : parameters)
    dispatch_floating(of.x.dtype(), "sgd", [&]<class T>() { step_parameter<T>(of, step); });
}

const Fill fill_sgd{sgd, DeviceType::CPU, &sgd_cpu};

}  // namespace
}  // namespace rho::kernels
