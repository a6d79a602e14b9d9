#include "kernels/cuda/rows.cuh"
#include "kernels/sphere.h"

namespace rho::kernels {
namespace {

template <class T>
struct RaiseMagnitude {
  const T* x;
  __device__ void operator()(std::int64_t i, cuda::Largest<double>& largest) const {
    largest.merge({std::abs(static_cast<double>(x[i])), i});
  }
};

void abs_max_cuda(const std::vector<Tensor>& tensors, std::vector<Peak>& peaks) {
  constexpr auto op = "abs_max";
  dispatch_floating(tensors.front().dtype(), op, [&]<class T>() {
    std::vector<cuda::Sized<RaiseMagnitude<T>>> rows;
    for (const Tensor& x : tensors) rows.push_back({{x.data<T>()}, x.numel()});
    const auto found = cuda::reduce_rows<cuda::Largest<double>>(op, tensors.front().device(), rows);
    for (std::size_t t = 0; t < found.size(); ++t) peaks[t] = {found[t].value, found[t].index};
  });
}

/// The sum that row(i, sums) makes of all elements of x.
template <class Row>
double sum_of(std::string_view op, const Tensor& x, const Row& row) {
  const std::vector<cuda::Sized<Row>> rows{{row, x.numel()}};
  return cuda::reduce_rows<cuda::Sums<1>>(op, x.device(), rows).front().value[0];
}

template <class T>
struct AddPower {
  const T* x;
  double p, scale;
  __device__ void operator()(std::int64_t i, cuda::Sums<1>& sums) const {
    const double ratio = std::abs(static_cast<double>(x[i])) / scale;
    sums.value[0] += p == 1.0 ? ratio : p == 2.0 ? ratio * ratio : std::pow(ratio, p);
  }
};

void abs_power_sum_cuda(const Tensor& x, double p, double scale, double& sum) {
  dispatch_floating(x.dtype(), "abs_power_sum", [&]<class T>() {
    sum = sum_of("abs_power_sum", x, AddPower<T>{x.data<T>(), p, scale});
  });
}

template <class T>
struct AddProduct {
  const T *a, *b;
  __device__ void operator()(std::int64_t i, cuda::Sums<1>& sums) const {
    sums.value[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
};

void dot_cuda(const Tensor& a, const Tensor& b, double& sum) {
  dispatch_floating(a.dtype(), "dot", [&]<class T>() {
    sum = sum_of("dot", a, AddProduct<T>{a.data<T>(), b.data<T>()});
  });
}

void sphere_normal_cuda(const Tensor& x, double p, double norm, const Tensor& out) {
  dispatch_floating(x.dtype(), "sphere_normal", [&]<class T>() {
    cuda::map<T, T>("sphere_normal", x, out, SphereNormal{p, norm});
  });
}

void linear_combination_cuda(double a, const Tensor& x, double b, const Tensor& y,
                             const Tensor& out) {
  dispatch_floating(x.dtype(), "linear_combination", [&]<class T>() {
    cuda::map2<T>("linear_combination", x, y, out, LinearCombination{a, b});
  });
}

const Fill fill_abs_max{abs_max, DeviceType::CUDA, &abs_max_cuda};
const Fill fill_abs_power_sum{abs_power_sum, DeviceType::CUDA, &abs_power_sum_cuda};
const Fill fill_dot{dot, DeviceType::CUDA, &dot_cuda};
const Fill fill_sphere_normal{sphere_normal, DeviceType::CUDA, &sphere_normal_cuda};
const Fill fill_linear_combination{linear_combination, DeviceType::CUDA, &linear_combination_cuda};

}  // namespace
}  // namespace rho::kernels
