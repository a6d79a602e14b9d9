#include "kernels/arithmetic.h"

#include "kernels/cpu/elementwise.h"
#include "kernels/scalar.h"

namespace rho::kernels {
namespace {

template <class F>
void binary(const Tensor& a, const Tensor& b, const Tensor& out) {
  expect_alike(F::name, a, out);
  expect_alike(F::name, b, out);
  dispatch_floating(out.dtype(), F::name, [&]<class T>() { cpu::map2<T>(a, b, out, F{}); });
}

template <class F>
void unary(const Tensor& x, const Tensor& out) {
  expect_alike(F::name, x, out);
  dispatch_floating(out.dtype(), F::name, [&]<class T>() { cpu::map<T, T>(x, out, F{}); });
}

void pow_cpu(const Tensor& x, double exponent, const Tensor& out) {
  expect_alike("pow", x, out);
  dispatch_floating(x.dtype(), "pow", [&]<class T>() {
    cpu::map<T, T>(x, out, scalar::Pow<T>{static_cast<T>(exponent)});
  });
}

void affine_cpu(const Tensor& x, double factor, double offset, const Tensor& out) {
  expect_alike("affine", x, out);
  dispatch_floating(x.dtype(), "affine", [&]<class T>() {
    cpu::map<T, T>(x, out, scalar::Affine<T>{static_cast<T>(factor), static_cast<T>(offset)});
  });
}

const Fill fill_add{add, DeviceType::CPU, &binary<scalar::Add>};
const Fill fill_sub{sub, DeviceType::CPU, &binary<scalar::Sub>};
const Fill fill_mul{mul, DeviceType::CPU, &binary<scalar::Mul>};
const Fill fill_div{div, DeviceType::CPU, &binary<scalar::Div>};
const Fill fill_exp{exp, DeviceType::CPU, &unary<scalar::Exp>};
const Fill fill_log{log, DeviceType::CPU, &unary<scalar::Log>};
const Fill fill_sqrt{sqrt, DeviceType::CPU, &unary<scalar::Sqrt>};
const Fill fill_abs{abs, DeviceType::CPU, &unary<scalar::Abs>};
const Fill fill_sign{sign, DeviceType::CPU, &unary<scalar::Sign>};
const Fill fill_softplus{softplus, DeviceType::CPU, &unary<scalar::Softplus>};
const Fill fill_sigmoid{sigmoid, DeviceType::CPU, &unary<scalar::Sigmoid>};
const Fill fill_pow{pow, DeviceType::CPU, &pow_cpu};
const Fill fill_affine{affine, DeviceType::CPU, &affine_cpu};

}  // namespace
}  // namespace rho::kernels
