#include "kernels/arithmetic.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/scalar.h"

namespace rho::kernels {
namespace {

template <class F>
void binary(const Tensor& a, const Tensor& b, const Tensor& out) {
  expect_alike(F::name, a, out);
  expect_alike(F::name, b, out);
  dispatch_floating(out.dtype(), F::name,
                    [&]<class T>() { cuda::map2<T>(F::name, a, b, out, F{}); });
}

template <class F>
void unary(const Tensor& x, const Tensor& out) {
  expect_alike(F::name, x, out);
  dispatch_floating(out.dtype(), F::name,
                    [&]<class T>() { cuda::map<T, T>(F::name, x, out, F{}); });
}

void pow_cuda(const Tensor& x, double exponent, const Tensor& out) {
  expect_alike("pow", x, out);
  dispatch_floating(x.dtype(), "pow", [&]<class T>() {
    cuda::map<T, T>("pow", x, out, scalar::Pow<T>{static_cast<T>(exponent)});
  });
}

void affine_cuda(const Tensor& x, double factor, double offset, const Tensor& out) {
  expect_alike("affine", x, out);
  dispatch_floating(x.dtype(), "affine", [&]<class T>() {
    cuda::map<T, T>("affine", x, out,
                    scalar::Affine<T>{static_cast<T>(factor), static_cast<T>(offset)});
  });
}

const Fill fill_add{add, DeviceType::CUDA, &binary<scalar::Add>};
const Fill fill_sub{sub, DeviceType::CUDA, &binary<scalar::Sub>};
const Fill fill_mul{mul, DeviceType::CUDA, &binary<scalar::Mul>};
const Fill fill_div{div, DeviceType::CUDA, &binary<scalar::Div>};
const Fill fill_exp{exp, DeviceType::CUDA, &unary<scalar::Exp>};
const Fill fill_log{log, DeviceType::CUDA, &unary<scalar::Log>};
const Fill fill_sqrt{sqrt, DeviceType::CUDA, &unary<scalar::Sqrt>};
const Fill fill_abs{abs, DeviceType::CUDA, &unary<scalar::Abs>};
const Fill fill_sign{sign, DeviceType::CUDA, &unary<scalar::Sign>};
const Fill fill_softplus{softplus, DeviceType::CUDA, &unary<scalar::Softplus>};
const Fill fill_sigmoid{sigmoid, DeviceType::CUDA, &unary<scalar::Sigmoid>};
const Fill fill_pow{pow, DeviceType::CUDA, &pow_cuda};
const Fill fill_affine{affine, DeviceType::CUDA, &affine_cuda};

}  // namespace
}  // namespace rho::kernels
