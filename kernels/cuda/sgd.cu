#include "kernels/cuda/rows.cuh"
#include "kernels/sgd.h"

namespace rho::kernels {
namespace {

template <class T>
struct Sgd {
  const T *x, *grad;
  T *velocity, *out;  // velocity may be null
  std::int64_t setting = 0;

  __device__ bool is_finite(std::int64_t i) const { return std::isfinite(grad[i]); }
  struct Element {
    T x, grad, velocity;
  };
  __device__ Element read(std::int64_t i) const {
    return {x[i], grad[i], velocity != nullptr ? velocity[i] : T{0}};
  }
  __device__ void operator()(const SgdStep& step, std::int64_t i, Element of) const {
    if (velocity == nullptr) {
      out[i] = sgd_element<T>(step, of.x, of.grad, nullptr);
    } else {
      out[i] = sgd_element(step, of.x, of.grad, &of.velocity);
      velocity[i] = of.velocity;
    }
  }
};

void sgd_cuda(const std::vector<SgdVectors>& parameters, const Shared<SgdStep>& step,
              const Shared<std::int64_t>& nonfinite) {
  const Tensor& first = parameters.front().x;
  dispatch_floating(first.dtype(), "sgd", [&]<class T>() {
    std::vector<cuda::Sized<Sgd<T>>> rows;
    for (const SgdVectors& of : parameters)
      rows.push_back(
          {{of.x.data<T>(), of.grad.data<T>(), of.velocity.data_or_null<T>(), of.out.data<T>()},
           of.x.numel()});
    cuda::for_each_in_finite_rows("sgd", first.device(), rows, step, nonfinite);
  });
}

const Fill fill_sgd{sgd, DeviceType::CUDA, &sgd_cuda};

}  // namespace
}  // namespace rho::kernels
