// Chunks of rows have sums of their own, which are added up in their order.
#include "kernels/bias_relu_grad.h"

#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/channel_rows.h"
#include "kernels/cpu/channel_statistics.h"

namespace rho::kernels {
namespace {

void bias_relu_grad_cpu(const Tensor& y, const Tensor& grad_y, const Tensor& grad_x,
                        const Tensor& grad_bias) {
  expect_bias_relu_grad(y, grad_y, grad_x, grad_bias);
  dispatch_floating(y.dtype(), "bias_relu_grad", [&]<class T>() {
    std::vector<double> total(static_cast<std::size_t>(y.size(1)), 0.0);
    if (y.numel() > 0) {
      const cpu::BatchNormLoops<T>& loops = cpu::batch_norm_loops<T>();
      const cpu::ChannelRows of(y, loops.lanes);
      const T *const out = y.data<T>(), *const g = grad_y.data<T>();
      T* const masked = grad_x.data<T>();
      std::vector<double> partial(static_cast<std::size_t>(of.chunks * of.channels));
      of.for_each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t count) {
        of.sum<1>(partial.data() + chunk * of.channels, [&](double* sums) {
          loops.add_masked(of.period, out + first, {g + first}, masked + first, count, sums);
        });
      });
      total = cpu::totals(partial, of.channels);
    }
    cpu::store(total, grad_bias);
  });
}

const Fill fill_bias_relu_grad{bias_relu_grad, DeviceType::CPU, &bias_relu_grad_cpu};

}  // namespace
}  // namespace rho::kernels
