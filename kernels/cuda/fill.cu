#include "kernels/cuda/elementwise.cuh"
#include "kernels/fill.h"

namespace rho::kernels {
namespace {

template <class T>
struct Constant {
  T value;
  __device__ T operator()(T) const { return value; }
};

void fill_cuda(const Tensor& x, double value) {
  dispatch_all(x.dtype(), "fill", [&]<class T>() {
    cuda::map<T, T>("fill", x, x, Constant<T>{static_cast<T>(value)});
  });
}

const Fill fill_fill{fill, DeviceType::CUDA, &fill_cuda};

}  // namespace
}  // namespace rho::kernels
