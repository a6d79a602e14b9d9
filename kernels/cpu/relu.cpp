#include "kernels/relu.h"

#include "kernels/cpu/elementwise.h"

namespace rho::kernels {
namespace {

void relu_cpu(const Tensor& x, const Tensor& out) {
  dispatch_floating(x.dtype(), "relu", [&]<class T>() {
    // Written so that NaN, which compares false, passes through.
    cpu::map<T, T>(x, out, [](T value) { return value < 0 ? T{0} : value; });
  });
}

void relu_grad_cpu(const Tensor& y, const Tensor& grad, const Tensor& out) {
  dispatch_floating(y.dtype(), "relu_grad", [&]<class T>() {
    cpu::map2<T>(y, grad, out, [](T value, T g) { return value > 0 ? g : T{0}; });
  });
}

const Fill fill_relu{relu, DeviceType::CPU, &relu_cpu};
const Fill fill_relu_grad{relu_grad, DeviceType::CPU, &relu_grad_cpu};

}  // namespace
}  // namespace rho::kernels
