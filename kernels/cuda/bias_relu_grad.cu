#include "kernels/bias_relu_grad.h"
#include "kernels/cuda/reduction.cuh"

namespace rho::kernels {
namespace {

/// Stores a gradient on its way into its channel's sum.
template <class T>
struct MaskAndAdd {
  const T *y, *grad_y;
  T* grad_x;
  std::int64_t channels;

  struct Column {
    MaskAndAdd of;
    std::int64_t c;
    __device__ void operator()(std::int64_t r, cuda::Sums<1>& sums) const {
      const std::int64_t i = r * of.channels + c;
      const T g = of.y[i] > 0 ? of.grad_y[i] : T{0};
      of.grad_x[i] = g;
      sums.value[0] += static_cast<double>(g);
    }
  };
  __device__ Column column(std::int64_t, std::int64_t c) const { return {*this, c}; }
};

template <class T>
struct StoreBias {
  T* grad_bias;
  __device__ void operator()(std::int64_t, std::int64_t c, const cuda::Sums<1>& sums) const {
    grad_bias[c] = static_cast<T>(sums.value[0]);
  }
};

void bias_relu_grad_cuda(const Tensor& y, const Tensor& grad_y, const Tensor& grad_x,
                         const Tensor& grad_bias) {
  expect_bias_relu_grad(y, grad_y, grad_x, grad_bias);
  constexpr auto op = "bias_relu_grad";
  dispatch_floating(y.dtype(), op, [&]<class T>() {
    cuda::reduce<cuda::Sums<1>>(
        op, y.device(), 1, y.size(0), y.size(1),
        MaskAndAdd<T>{y.data<T>(), grad_y.data<T>(), grad_x.data<T>(), y.size(1)},
        StoreBias<T>{grad_bias.data<T>()});
  });
}

const Fill fill_bias_relu_grad{bias_relu_grad, DeviceType::CUDA, &bias_relu_grad_cuda};

}  // namespace
}  // namespace rho::kernels
