// A batch norm with mean 0 and scale 1 is this: the loop is its.
#include "kernels/cpu/epilogue.h"

#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/channel_rows.h"

namespace rho::kernels::cpu {

void apply_epilogue(const Conv2dEpilogue& then, const Tensor& y) {
  if (then.empty() || y.numel() == 0) return;
  dispatch_floating(y.dtype(), "conv2d", [&]<class T>() {
    const BatchNormLoops<T>& loops = batch_norm_loops<T>();
    const ChannelRows of(y.view({y.numel() / y.size(-1), y.size(-1)}), loops.lanes);
    const std::vector<T> zeros(static_cast<std::size_t>(of.period), T{0}),
        ones(static_cast<std::size_t>(of.period), T{1});
    std::vector<T> shift = zeros;
    if (then.bias.defined()) of.repeat(then.bias.data<T>(), shift.data());
    const ChannelTables<T> tables{
        .period = of.period, .mean = zeros.data(), .scale = ones.data(), .shift = shift.data()};
    T* const out = y.data<T>();
    const T* const residual = then.residual.data_or_null<T>();
    of.for_each_chunk([&](std::int64_t, std::int64_t first, std::int64_t count) {
      loops.apply(tables, out + first, residual == nullptr ? nullptr : residual + first, then.relu,
                  out + first, count, false);
    });
  });
}

}  // namespace rho::kernels::cpu
