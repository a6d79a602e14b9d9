#include "kernels/cuda/elementwise.cuh"
#include "kernels/relu.h"
#include "kernels/scalar.h"

namespace rho::kernels {
namespace {

void relu_cuda(const Tensor& x, const Tensor& out) {
  dispatch_floating(x.dtype(), "relu",
                    [&]<class T>() { cuda::map<T, T>("relu", x, out, scalar::Relu{}); });
}

void relu_grad_cuda(const Tensor& y, const Tensor& grad, const Tensor& out) {
  dispatch_floating(y.dtype(), "relu_grad", [&]<class T>() {
    cuda::map2<T>("relu_grad", y, grad, out, scalar::ReluGrad{});
  });
}

const Fill fill_relu{relu, DeviceType::CUDA, &relu_cuda};
const Fill fill_relu_grad{relu_grad, DeviceType::CUDA, &relu_grad_cuda};

}  // namespace
}  // namespace rho::kernels
