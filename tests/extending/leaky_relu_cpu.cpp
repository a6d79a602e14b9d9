#include "kernels/cpu/elementwise.h"
#include "tests/extending/leaky_relu_kernel.h"

namespace rho::kernels {
namespace {

void leaky_relu_cpu(const Tensor& reference, const Tensor& x, double slope, const Tensor& out) {
  dispatch_floating(x.dtype(), "leaky_relu", [&]<class T>() {
    const auto leak = [s = static_cast<T>(slope)](T r, T value) {
      return r > 0 ? value : s * value;
    };
    cpu::map2<T>(reference, x, out, leak);
  });
}

const Fill fill_leaky_relu{leaky_relu, DeviceType::CPU, &leaky_relu_cpu};

}  // namespace
}  // namespace rho::kernels
