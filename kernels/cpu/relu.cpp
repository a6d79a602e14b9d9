#include "kernels/relu.h"

#include "kernels/cpu/elementwise.h"
#include "kernels/scalar.h"

namespace rho::kernels {
namespace {

void relu_cpu(const Tensor& x, const Tensor& out) {
  dispatch_floating(x.dtype(), "relu", [&]<class T>() { cpu::map<T, T>(x, out, scalar::Relu{}); });
}

void relu_grad_cpu(const Tensor& y, const Tensor& grad, const Tensor& out) {
  dispatch_floating(y.dtype(), "relu_grad",
                    [&]<class T>() { cpu::map2<T>(y, grad, out, scalar::ReluGrad{}); });
}

const Fill fill_relu{relu, DeviceType::CPU, &relu_cpu};
const Fill fill_relu_grad{relu_grad, DeviceType::CPU, &relu_grad_cpu};

}  // namespace
}  // namespace rho::kernels
