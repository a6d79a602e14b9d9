#include "kernels/adam.h"

#include <cmath>

#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements for a thread to take at once

void adam_cpu(const Tensor& x, const Tensor& grad, const Tensor& first, const Tensor& second,
              const AdamStep& step, const Tensor& out) {
  dispatch_floating(x.dtype(), "adam", [&]<class T>() {
    const T* const value = x.data<T>();
    const T* const gradient = grad.data<T>();
    T* const mean = first.data<T>();
    T* const square = second.data<T>();
    T* const result = out.data<T>();
    const std::int64_t count = x.numel();
    const double root = std::sqrt(step.correction2);
    cpu::parallel_ranges(count, kGrain, [&](std::int64_t i, std::int64_t end) {
      for (; i < end; ++i) {
        const double before = static_cast<double>(value[i]);
        const double g = static_cast<double>(gradient[i]) + step.weight_decay * before;
        const double m = step.beta1 * static_cast<double>(mean[i]) + (1.0 - step.beta1) * g;
        const double v = step.beta2 * static_cast<double>(square[i]) + (1.0 - step.beta2) * g * g;
        mean[i] = static_cast<T>(m);
        square[i] = static_cast<T>(v);
        result[i] = static_cast<T>(before - step.lr / step.correction1 * m /
                                                (std::sqrt(v) / root + step.eps));
      }
    });
  });
}

const Fill fill_adam{adam, DeviceType::CPU, &adam_cpu};

}  // namespace
}  // namespace rho::kernels
