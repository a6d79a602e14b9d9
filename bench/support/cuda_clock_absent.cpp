// Built without CUDA: there is no device to ask for the time.
#include "bench/support/cuda_clock.h"
#include "tensor/error.h"

namespace rho::bench {

double cuda_clock(Device, const std::function<void()>&, int) { fail("cuda_clock", "without CUDA"); }
std::string cuda_device_name(Device) { fail("cuda_device_name", "without CUDA"); }
void cuda_wait(Device) {}

}  // namespace rho::bench
