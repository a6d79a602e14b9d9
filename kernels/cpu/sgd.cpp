#include "kernels/sgd.h"

#include "kernels/cpu/descend.h"
#include "kernels/cpu/note_nonfinite.h"

namespace rho::kernels {
namespace {

void sgd_cpu(const std::vector<SgdVectors>& parameters, const Shared<SgdStep>& step,
             const Shared<std::int64_t>& nonfinite) {
  if (cpu::note_nonfinite(parameters, nonfinite)) return;
  for (const SgdVectors& of : parameters) cpu::descend(of, step.front());
}

const Fill fill_sgd{sgd, DeviceType::CPU, &sgd_cpu};

}  // namespace
}  // namespace rho::kernels
