// One parameter's step of gradient descent with momentum.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/sgd.h"

namespace rho::kernels::cpu {

inline void descend(const SgdVectors& of, const SgdStep& step) {
  constexpr std::int64_t kGrain = 16384;  // elements for a thread to take at once
  dispatch_floating(of.x.dtype(), "sgd", [&]<class T>() {
    const T *const x = of.x.data<T>(), *const grad = of.grad.data<T>();
    T* const velocity = of.velocity.data_or_null<T>();
    T* const out = of.out.data<T>();
    parallel_ranges(of.x.numel(), kGrain, [&](std::int64_t i, std::int64_t end) {
      if (velocity == nullptr)
        for (; i < end; ++i) out[i] = sgd_element<T>(step, x[i], grad[i], nullptr);
      else
        for (; i < end; ++i) out[i] = sgd_element(step, x[i], grad[i], velocity + i);
    });
  });
}

}  // namespace rho::kernels::cpu
