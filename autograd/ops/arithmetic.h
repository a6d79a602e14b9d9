// Elementwise arithmetic with NumPy broadcasting.
#pragma once

#include "autograd/variable.h"

namespace rho {

Variable add(const Variable& a, const Variable& b);
Variable sub(const Variable& a, const Variable& b);
Variable mul(const Variable& a, const Variable& b);
Variable div(const Variable& a, const Variable& b);
Variable neg(const Variable& x);
Variable scale(const Variable& x, double factor);  ///< x * factor
Variable shift(const Variable& x, double offset);  ///< x + offset
Variable exp(const Variable& x);
Variable log(const Variable& x);
Variable sqrt(const Variable& x);
Variable abs(const Variable& x);   ///< derivative 0 at 0
Variable sign(const Variable& x);  ///< derivative 0 everywhere
Variable pow(const Variable& x, double exponent);
Variable softplus(const Variable& x);  ///< log(1 + e^x), without overflow
Variable sigmoid(const Variable& x);   ///< 1 / (1 + e^-x)

inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }
inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }
inline Variable operator/(const Variable& a, const Variable& b) { return div(a, b); }
inline Variable operator-(const Variable& x) { return neg(x); }
inline Variable operator*(const Variable& x, double factor) { return scale(x, factor); }
inline Variable operator*(double factor, const Variable& x) { return scale(x, factor); }
inline Variable operator/(const Variable& x, double divisor) { return scale(x, 1.0 / divisor); }
inline Variable operator+(const Variable& x, double offset) { return shift(x, offset); }
inline Variable operator-(const Variable& x, double offset) { return shift(x, -offset); }

}  // namespace rho
