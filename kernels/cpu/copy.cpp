#include "kernels/copy.h"

#include "kernels/cpu/elementwise.h"

namespace rho::kernels {
namespace {

void copy_cpu(const Tensor& src, const Tensor& dst) {
  check(src.shape() == dst.shape(), "copy", "from shape ", src.shape(), " to ", dst.shape());
  dispatch_all(src.dtype(), "copy", [&]<class From>() {
    dispatch_all(dst.dtype(), "copy", [&]<class To>() {
      cpu::map<To, From>(src, dst, [](From value) { return static_cast<To>(value); });
    });
  });
}

const Fill fill_copy{copy, DeviceType::CPU, &copy_cpu};

}  // namespace
}  // namespace rho::kernels
