#include "kernels/cuda/rows.cuh"
#include "kernels/sgd.h"

namespace rho::kernels {
namespace {

template <class T>
struct Sgd {
  const T *x, *grad;
  T *velocity, *out;  // velocity may be null
  SgdStep step;

  __device__ void operator()(std::int64_t i) const {
    out[i] = sgd_element(step, x[i], grad[i], velocity != nullptr ? velocity + i : nullptr);
  }
};

void sgd_cuda(const std::vector<SgdVectors>& parameters, const SgdStep& step) {
  const Tensor& first = parameters.front().x;
  dispatch_floating(first.dtype(), "sgd", [&]<class T>() {
    std::vector<cuda::Sized<Sgd<T>>> rows;
    for (const SgdVectors& of : parameters)
      rows.push_back({{of.x.data<T>(), of.grad.data<T>(), of.velocity.data_or_null<T>(),
                       of.out.data<T>(), step},
                      of.x.numel()});
    cuda::for_each_in_rows("sgd", first.device(), rows);
  });
}

const Fill fill_sgd{sgd, DeviceType::CUDA, &sgd_cuda};

}  // namespace
}  // namespace rho::kernels
