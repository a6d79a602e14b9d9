#include "kernels/adam.h"
#include "kernels/cuda/elementwise.cuh"

namespace rho::kernels {
namespace {

template <class T>
struct Adam {
  const T *x, *grad;
  T *first, *second, *out;
  AdamStep step;
  double root;  // of correction2

  __device__ void operator()(std::int64_t i) const {
    const double before = static_cast<double>(x[i]);
    const double g = static_cast<double>(grad[i]) + step.weight_decay * before;
    const double m = step.beta1 * static_cast<double>(first[i]) + (1.0 - step.beta1) * g;
    const double v = step.beta2 * static_cast<double>(second[i]) + (1.0 - step.beta2) * g * g;
    first[i] = static_cast<T>(m);
    second[i] = static_cast<T>(v);
    out[i] =
        static_cast<T>(before - step.lr / step.correction1 * m / (std::sqrt(v) / root + step.eps));
  }
};

void adam_cuda(const Tensor& x, const Tensor& grad, const Tensor& first, const Tensor& second,
               const AdamStep& step, const Tensor& out) {
  dispatch_floating(x.dtype(), "adam", [&]<class T>() {
    cuda::for_each("adam", x.device(), x.numel(),
                   Adam<T>{x.data<T>(), grad.data<T>(), first.data<T>(), second.data<T>(),
                           out.data<T>(), step, std::sqrt(step.correction2)});
  });
}

const Fill fill_adam{adam, DeviceType::CUDA, &adam_cuda};

}  // namespace
}  // namespace rho::kernels
