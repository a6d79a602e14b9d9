#include "kernels/arithmetic.h"

#include <cmath>

#include "kernels/cpu/elementwise.h"

namespace rho::kernels {
namespace {

void expect_alike(std::string_view op, const Tensor& x, const Tensor& out) {
  check(x.shape() == out.shape(), op, "shapes ", x.shape(), " and ", out.shape(), " differ");
  check(x.dtype() == out.dtype(), op, "expects one dtype, found ", x.dtype(), " and ", out.dtype());
}

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

struct Add {
  static constexpr auto name = "add";
  template <class T>
  T operator()(T a, T b) const {
    return a + b;
  }
};
struct Sub {
  static constexpr auto name = "sub";
  template <class T>
  T operator()(T a, T b) const {
    return a - b;
  }
};
struct Mul {
  static constexpr auto name = "mul";
  template <class T>
  T operator()(T a, T b) const {
    return a * b;
  }
};
struct Div {
  static constexpr auto name = "div";
  template <class T>
  T operator()(T a, T b) const {
    return a / b;
  }
};
struct Exp {
  static constexpr auto name = "exp";
  template <class T>
  T operator()(T x) const {
    return std::exp(x);
  }
};
struct Log {
  static constexpr auto name = "log";
  template <class T>
  T operator()(T x) const {
    return std::log(x);
  }
};
struct Sqrt {
  static constexpr auto name = "sqrt";
  template <class T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct Abs {
  static constexpr auto name = "abs";
  template <class T>
  T operator()(T x) const {
    return std::abs(x);
  }
};
struct Sign {
  static constexpr auto name = "sign";
  template <class T>
  T operator()(T x) const {
    return x > 0 ? T{1} : x < 0 ? T{-1} : x * 0;
  }
};
struct Softplus {
  static constexpr auto name = "softplus";
  template <class T>
  T operator()(T x) const {
    // The larger of 0 and x, plus what is left: neither exponential can overflow.
    return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
  }
};
struct Sigmoid {
  static constexpr auto name = "sigmoid";
  template <class T>
  T operator()(T x) const {
    const T e = std::exp(-std::abs(x));
    return (x < 0 ? e : T{1}) / (T{1} + e);
  }
};

void pow_cpu(const Tensor& x, double exponent, const Tensor& out) {
  expect_alike("pow", x, out);
  dispatch_floating(x.dtype(), "pow", [&]<class T>() {
    cpu::map<T, T>(x, out, [e = static_cast<T>(exponent)](T value) { return std::pow(value, e); });
  });
}

void affine_cpu(const Tensor& x, double factor, double offset, const Tensor& out) {
  expect_alike("affine", x, out);
  dispatch_floating(x.dtype(), "affine", [&]<class T>() {
    cpu::map<T, T>(x, out, [f = static_cast<T>(factor), o = static_cast<T>(offset)](T value) {
      return f * value + o;
    });
  });
}

const Fill fill_add{add, DeviceType::CPU, &binary<Add>};
const Fill fill_sub{sub, DeviceType::CPU, &binary<Sub>};
const Fill fill_mul{mul, DeviceType::CPU, &binary<Mul>};
const Fill fill_div{div, DeviceType::CPU, &binary<Div>};
const Fill fill_exp{exp, DeviceType::CPU, &unary<Exp>};
const Fill fill_log{log, DeviceType::CPU, &unary<Log>};
const Fill fill_sqrt{sqrt, DeviceType::CPU, &unary<Sqrt>};
const Fill fill_abs{abs, DeviceType::CPU, &unary<Abs>};
const Fill fill_sign{sign, DeviceType::CPU, &unary<Sign>};
const Fill fill_softplus{softplus, DeviceType::CPU, &unary<Softplus>};
const Fill fill_sigmoid{sigmoid, DeviceType::CPU, &unary<Sigmoid>};
const Fill fill_pow{pow, DeviceType::CPU, &pow_cpu};
const Fill fill_affine{affine, DeviceType::CPU, &affine_cpu};

}  // namespace
}  // namespace rho::kernels
