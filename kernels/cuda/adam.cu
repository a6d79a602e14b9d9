#include "kernels/adam.h"
#include "kernels/cuda/rows.cuh"

namespace rho::kernels {
namespace {

template <class T>
struct Adam {
  const T *x, *grad;
  T *first, *second, *out;
  std::int64_t setting;

  __device__ bool is_finite(std::int64_t i) const { return std::isfinite(grad[i]); }
  struct Element {
    T x, grad, first, second;
  };
  __device__ Element read(std::int64_t i) const { return {x[i], grad[i], first[i], second[i]}; }
  __device__ void operator()(const AdamElement& step, std::int64_t i, Element of) const {
    out[i] = step(of.x, of.grad, of.first, of.second);
    first[i] = of.first;
    second[i] = of.second;
  }
};

void adam_cuda(const std::vector<AdamVectors>& parameters, const Shared<AdamElement>& elements,
               const Shared<std::int64_t>& nonfinite) {
  const Tensor& one = parameters.front().x;
  dispatch_floating(one.dtype(), "adam", [&]<class T>() {
    std::vector<cuda::Sized<Adam<T>>> rows;
    for (const AdamVectors& of : parameters)
      rows.push_back({{of.x.data<T>(), of.grad.data<T>(), of.first.data<T>(), of.second.data<T>(),
                       of.out.data<T>(), static_cast<std::int64_t>(of.element)},
                      of.x.numel()});
    cuda::for_each_in_finite_rows("adam", one.device(), rows, elements, nonfinite);
  });
}

const Fill fill_adam{adam, DeviceType::CUDA, &adam_cuda};

}  // namespace
}  // namespace rho::kernels
