#include "kernels/cuda/rows.cuh"
#include "kernels/langevin.h"

namespace rho::kernels {
namespace {

template <class T>
struct Langevin {
  const T *x, *grad;
  T* out;
  std::uint64_t number;
  std::int64_t setting = 0;

  __device__ bool is_finite(std::int64_t i) const { return std::isfinite(grad[i]); }
  struct Element {
    T x, grad;
  };
  __device__ Element read(std::int64_t i) const { return {x[i], grad[i]}; }
  __device__ void operator()(const LangevinStep& step, std::int64_t i, const Element& of) const {
    out[i] = langevin_element(step, number, i, of.x, of.grad);
  }
};

void langevin_cuda(const std::vector<LangevinVectors>& parameters, const Shared<LangevinStep>& step,
                   const Shared<std::int64_t>& nonfinite) {
  const Tensor& first = parameters.front().x;
  dispatch_floating(first.dtype(), "langevin", [&]<class T>() {
    std::vector<cuda::Sized<Langevin<T>>> rows;
    for (const LangevinVectors& of : parameters)
      rows.push_back(
          {{of.x.data<T>(), of.grad.data<T>(), of.out.data<T>(), of.number}, of.x.numel()});
    cuda::for_each_in_finite_rows("langevin", first.device(), rows, step, nonfinite);
  });
}

const Fill fill_langevin{langevin, DeviceType::CUDA, &langevin_cuda};

}  // namespace
}  // namespace rho::kernels
