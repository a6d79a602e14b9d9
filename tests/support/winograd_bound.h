// What Winograd's convolution is compared with on every device: plain sums in double, and the bound
// on its rounding that kernels/cpu/winograd.h states.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "kernels/cpu/winograd.h"

namespace rho::testing {

using Values = std::vector<double>;

struct WinogradCase {
  Shape x, w;
  std::int64_t stride, pad;

  kernels::Conv2dOptions options() const {
    return {.stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad};
  }
  Shape y() const { return kernels::conv2d_shape(x, w, options()); }
  kernels::cpu::WinogradShape shape() const {
    return {x[0], x[1], x[2], x[3], y()[1], y()[2], w[0], w[1], stride, pad, pad};
  }
};

inline std::ostream& operator<<(std::ostream& out, const WinogradCase& c) {
  return out << "x " << c.x << " w " << c.w << " stride " << c.stride << " pad " << c.pad;
}

std::vector<WinogradCase> winograd_cases();

/// Plain sums, and the bound of each: tiles laid out as the algorithm does.
struct Expected {
  Values y, grad_x, grad_w, bound_y, bound_x, bound_w;
};

Expected expected(const WinogradCase& c, const Values& x, const Values& w, const Values& g);

/// |found - exact| within the bound of a sum over `terms`, in every element.
void expect_within(const Values& found, const Values& exact, const Values& magnitude,
                   std::int64_t terms, const char* what);

}  // namespace rho::testing
