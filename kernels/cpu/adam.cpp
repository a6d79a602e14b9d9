#include "kernels/adam.h"

#include "kernels/cpu/note_nonfinite.h"
#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements for a thread to take at once

template <class T>
void step_parameter(const AdamVectors& of, const AdamElement& element) {
  const T *const x = of.x.data<T>(), *const grad = of.grad.data<T>();
  T *const first = of.first.data<T>(), *const second = of.second.data<T>();
  T* const out = of.out.data<T>();
  cpu::parallel_ranges(of.x.numel(), kGrain, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) out[i] = element(x[i], grad[i], first[i], second[i]);
  });
}

void adam_cpu(const std::vector<AdamVectors>& parameters, const Shared<AdamElement>& elements,
              const Shared<std::int64_t>& nonfinite) {
  if (cpu::note_nonfinite(parameters, nonfinite)) return;
  for (const AdamVectors& of : parameters)
    dispatch_floating(of.x.dtype(), "adam", [&]<class T>() {
      // A copy: nothing that the loop writes can be part of it.
      step_parameter<T>(of, AdamElement(elements.values()[of.element]));
    });
}

const Fill fill_adam{adam, DeviceType::CPU, &adam_cpu};

}  // namespace
}  // namespace rho::kernels
