#include "kernels/cuda/elementwise.cuh"
#include "tests/extending/leaky_relu_kernel.h"

namespace rho::kernels {
namespace {

template <class T>
struct Leak {
  T slope;
  __device__ T operator()(T reference, T x) const { return reference > 0 ? x : slope * x; }
};

void leaky_relu_cuda(const Tensor& reference, const Tensor& x, double slope, const Tensor& out) {
  dispatch_floating(x.dtype(), "leaky_relu", [&]<class T>() {
    cuda::map2<T>("leaky_relu", reference, x, out, Leak<T>{static_cast<T>(slope)});
  });
}

const Fill fill_leaky_relu{leaky_relu, DeviceType::CUDA, &leaky_relu_cuda};

}  // namespace
}  // namespace rho::kernels
