#include "kernels/fill.h"

#include "kernels/cpu/elementwise.h"

namespace rho::kernels {
namespace {

void fill_cpu(const Tensor& x, double value) {
  dispatch_all(x.dtype(), "fill", [&]<class T>() {
    if (x.numel() == 0) return;
    const T constant = static_cast<T>(value);
    T* const data = x.data<T>();
    cpu::Loop<1>(x).run([&](const auto& offsets, const auto& step, std::int64_t count) {
      T* to = data + offsets[0];
      for (std::int64_t i = 0; i < count; ++i) to[i * step[0]] = constant;
    });
  });
}

const Fill fill_fill{fill, DeviceType::CPU, &fill_cpu};

}  // namespace
}  // namespace rho::kernels
