// What the elementwise operations do to one element: the same text on every device.
#pragma once

#include <cmath>

namespace rho::kernels::scalar {

// The functors are constexpr because CUDA compiles such functions for the device too.

struct Add {
  static constexpr auto name = "add";
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a + b;
  }
};
struct Sub {
  static constexpr auto name = "sub";
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a - b;
  }
};
struct Mul {
  static constexpr auto name = "mul";
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a * b;
  }
};
struct Div {
  static constexpr auto name = "div";
  template <class T>
  constexpr T operator()(T a, T b) const {
    return a / b;
  }
};
struct Exp {
  static constexpr auto name = "exp";
  template <class T>
  constexpr T operator()(T x) const {
    return std::exp(x);
  }
};
struct Log {
  static constexpr auto name = "log";
  template <class T>
  constexpr T operator()(T x) const {
    return std::log(x);
  }
};
struct Sqrt {
  static constexpr auto name = "sqrt";
  template <class T>
  constexpr T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct Abs {
  static constexpr auto name = "abs";
  template <class T>
  constexpr T operator()(T x) const {
    return std::abs(x);
  }
};
struct Sign {
  static constexpr auto name = "sign";
  template <class T>
  constexpr T operator()(T x) const {
    return x > 0 ? T{1} : x < 0 ? T{-1} : x * 0;
  }
};
struct Softplus {
  static constexpr auto name = "softplus";
  template <class T>
  constexpr T operator()(T x) const {
    // The larger of 0 and x, plus what is left: neither exponential can overflow.
    return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
  }
};
struct Sigmoid {
  static constexpr auto name = "sigmoid";
  template <class T>
  constexpr T operator()(T x) const {
    const T e = std::exp(-std::abs(x));
    return (x < 0 ? e : T{1}) / (T{1} + e);
  }
};
template <class T>
struct Pow {
  T exponent;
  constexpr T operator()(T x) const { return std::pow(x, exponent); }
};
template <class T>
struct Affine {
  T factor, offset;
  constexpr T operator()(T x) const { return factor * x + offset; }
};
/// Written so that NaN, which compares false, passes through.
struct Relu {
  static constexpr auto name = "relu";
  template <class T>
  constexpr T operator()(T x) const {
    return x < 0 ? T{0} : x;
  }
};
struct ReluGrad {
  static constexpr auto name = "relu_grad";
  template <class T>
  constexpr T operator()(T y, T grad) const {
    return y > 0 ? grad : T{0};
  }
};

}  // namespace rho::kernels::scalar
