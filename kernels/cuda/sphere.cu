#include "kernels/cuda/reduction.cuh"
#include "kernels/sphere.h"

namespace rho::kernels {
namespace {

/// One result of a reduction, for the host.
template <class State>
struct Store {
  State* out;
  __device__ void operator()(std::int64_t, std::int64_t, const State& state) const { *out = state; }
};

template <class State, class Term>
State reduced(std::string_view op, const Tensor& x, const Term& term) {
  const cuda::Buffer<State> out(1, x.device());
  cuda::reduce<State>(op, x.device(), 1, x.numel(), 1, term, Store<State>{out.data()});
  return out.download().front();
}

template <class T>
struct RaiseMagnitude {
  const T* x;
  __device__ void operator()(std::int64_t, std::int64_t i, std::int64_t,
                             cuda::Largest<double>& largest) const {
    largest.merge({std::abs(static_cast<double>(x[i])), i});
  }
};

void abs_max_cuda(const Tensor& x, Peak& peak) {
  dispatch_floating(x.dtype(), "abs_max", [&]<class T>() {
    const auto largest =
        reduced<cuda::Largest<double>>("abs_max", x, RaiseMagnitude<T>{x.data<T>()});
    peak = {largest.value, largest.index};
  });
}

template <class T>
struct AddPower {
  const T* x;
  double p, scale;
  __device__ void operator()(std::int64_t, std::int64_t i, std::int64_t,
                             cuda::Sums<1>& sums) const {
    const double ratio = std::abs(static_cast<double>(x[i])) / scale;
    sums.value[0] += p == 1.0 ? ratio : p == 2.0 ? ratio * ratio : std::pow(ratio, p);
  }
};

void abs_power_sum_cuda(const Tensor& x, double p, double scale, double& sum) {
  dispatch_floating(x.dtype(), "abs_power_sum", [&]<class T>() {
    sum = reduced<cuda::Sums<1>>("abs_power_sum", x, AddPower<T>{x.data<T>(), p, scale}).value[0];
  });
}

template <class T>
struct AddProduct {
  const T *a, *b;
  __device__ void operator()(std::int64_t, std::int64_t i, std::int64_t,
                             cuda::Sums<1>& sums) const {
    sums.value[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
};

void dot_cuda(const Tensor& a, const Tensor& b, double& sum) {
  dispatch_floating(a.dtype(), "dot", [&]<class T>() {
    sum = reduced<cuda::Sums<1>>("dot", a, AddProduct<T>{a.data<T>(), b.data<T>()}).value[0];
  });
}

template <class T>
struct Normal {
  double p, norm;
  __device__ T operator()(T element) const {
    const double value = static_cast<double>(element);
    if (p == 2.0) return static_cast<T>(value / norm);
    if (value == 0.0) return T{0};
    return static_cast<T>(std::copysign(std::pow(std::abs(value) / norm, p - 1.0), value));
  }
};

void sphere_normal_cuda(const Tensor& x, double p, double norm, const Tensor& out) {
  dispatch_floating(x.dtype(), "sphere_normal", [&]<class T>() {
    cuda::map<T, T>("sphere_normal", x, out, Normal<T>{p, norm});
  });
}

template <class T>
struct Combine {
  double a, b;
  __device__ T operator()(T x, T y) const {
    return static_cast<T>(a * static_cast<double>(x) + b * static_cast<double>(y));
  }
};

void linear_combination_cuda(double a, const Tensor& x, double b, const Tensor& y,
                             const Tensor& out) {
  dispatch_floating(x.dtype(), "linear_combination", [&]<class T>() {
    cuda::map2<T>("linear_combination", x, y, out, Combine<T>{a, b});
  });
}

const Fill fill_abs_max{abs_max, DeviceType::CUDA, &abs_max_cuda};
const Fill fill_abs_power_sum{abs_power_sum, DeviceType::CUDA, &abs_power_sum_cuda};
const Fill fill_dot{dot, DeviceType::CUDA, &dot_cuda};
const Fill fill_sphere_normal{sphere_normal, DeviceType::CUDA, &sphere_normal_cuda};
const Fill fill_linear_combination{linear_combination, DeviceType::CUDA, &linear_combination_cuda};

}  // namespace
}  // namespace rho::kernels
