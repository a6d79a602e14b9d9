#include "kernels/langevin.h"

#include "kernels/cpu/note_nonfinite.h"
#include "kernels/cpu/parallel.h"

namespace rho::kernels {
namespace {

constexpr std::int64_t kGrain = 1024;  // elements for a thread to take at once: noise takes time

template <class T>
void step_parameter(const LangevinVectors& of, const LangevinStep& step) {
  const T *const x = of.x.data<T>(), *const grad = of.grad.data<T>();
  T* const out = of.out.data<T>();
  cpu::parallel_ranges(of.x.numel(), kGrain, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) out[i] = langevin_element(step, of.number, i, x[i], grad[i]);
  });
}

void langevin_cpu(const std::vector<LangevinVectors>& parameters, const Shared<LangevinStep>& step,
                  const Shared<std::int64_t>& nonfinite) {
  if (cpu::note_nonfinite(parameters, nonfinite)) return;
  for (const LangevinVectors& of : parameters)
    dispatch_floating(of.x.dtype(), "langevin",
                      [&]<class T>() { step_parameter<T>(of, step.front()); });
}

const Fill fill_langevin{langevin, DeviceType::CPU, &langevin_cpu};

}  // namespace
}  // namespace rho::kernels
