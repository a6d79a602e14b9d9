// Winograd's input gradient is taken further while it is in cache.
#include "kernels/conv2d_chain.h"

#include <array>
#include <optional>

#include "kernels/bias_relu_grad.h"
#include "kernels/cpu/batch_norm_grad.h"
#include "kernels/cpu/winograd.h"
#include "kernels/expect.h"
#include "kernels/precision.h"
#include "kernels/provider.h"

namespace rho::kernels {
namespace {

/// The shape, where Winograd's algorithm makes the gradient, which is to lie in `to`.
std::optional<cpu::WinogradShape> winograd_of(const InputGradient& gradient, const Tensor& to) {
  constexpr auto op = "conv2d_input_grad";
  const auto& [grad_y, w, options, shape, rest] = gradient;
  const Tensor grad_x = to.view(shape);
  expect_conv2d(grad_x, w, grad_y, options);
  if (rest.defined()) expect_dense_alike(op, to, rest.view(to.shape()));
  expect_ieee_products(op, to);
  expect_own_products(op, to);
  return cpu::winograd_of(grad_x, w, grad_y, options);
}

/// What becomes of a gradient [R, C]: add(g, first, count, sums) is called for stretches of it, in
/// whole rows, and adds to `kSums` tables of sums by position in a period. Returns the totals
/// [kSums][C]. `read` are the matrices, beside g, that it reads; null: none.
template <int kSums, class Add>
std::vector<double> pass_on(const cpu::WinogradShape& shape, const InputGradient& gradient,
                            const cpu::ChannelRows& of, std::array<const float*, 2> read,
                            const Add& add) {
  const std::int64_t width = kSums * of.channels;
  std::vector<double> partial(static_cast<std::size_t>(cpu::input_grad_stretches(shape) * width));
  const float* const rest = gradient.rest.data_or_null<float>();
  const auto take = [&](std::int64_t stretch, std::int64_t first, std::int64_t count,
                        const float* values) {
    of.sum<kSums>(partial.data() + stretch * width, [&](double* sums) {
      add(cpu::Arriving<float>{values, cpu::at(rest, first)}, first, count, sums);
    });
  };
  cpu::winograd_input_grad(shape, gradient.grad_y.data<float>(), gradient.w.data<float>(),
                           {take, {rest, read[0], read[1]}});
  return cpu::totals(partial, width);
}

void batch_norm_grad_cpu(const InputGradient& gradient, const Tensor& x,
                         const BatchNormArguments& with, const Tensor& y,
                         const BatchNormGradients& grads) {
  const bool through_y = grads.through_y(with);
  const Tensor& g = through_y ? grads.residual : grads.x;
  const auto shape = winograd_of(gradient, g);
  if (!shape) return conv2d_then_batch_norm_grad(gradient, x, with, y, grads);
  expect_batch_norm_grad(x, with, y, g, grads);
  const cpu::BatchNormLoops<float>& loops = cpu::batch_norm_loops<float>();
  const cpu::ChannelRows of(x, loops.lanes);
  const cpu::BatchNormTables<float> tables(with, of);
  const cpu::ChannelTables<float> channels = tables.view(of);
  const float *const in = x.data<float>(), *const out = through_y ? y.data<float>() : nullptr;
  float* const masked = g.data<float>();
  const auto add = [&](const cpu::Arriving<float>& arriving, std::int64_t first, std::int64_t count,
                       double* sums) {
    // Where something is added, its lines may be those that are written.
    const bool streams = arriving.rest == nullptr && of.streams(masked, first);
    loops.add_gradients(channels, in + first, cpu::at(out, first), arriving, with.relu,
                        masked + first, count, sums, sums + of.period, streams);
  };
  const std::vector<double> sums = pass_on<2>(*shape, gradient, of, {in, out}, add);
  cpu::finish_batch_norm_grad(x, of, tables, sums, masked, false, grads);
}

void bias_relu_grad_cpu(const InputGradient& gradient, const Tensor& y, const Tensor& grad_x,
                        const Tensor& grad_bias) {
  const auto shape = winograd_of(gradient, grad_x);
  if (!shape) return conv2d_then_bias_relu_grad(gradient, y, grad_x, grad_bias);
  expect_bias_relu_grad(y, grad_x, grad_x, grad_bias);
  const cpu::BatchNormLoops<float>& loops = cpu::batch_norm_loops<float>();
  const cpu::ChannelRows of(y, loops.lanes);
  const float* const out = y.data<float>();
  float* const masked = grad_x.data<float>();
  const auto add = [&](const cpu::Arriving<float>& arriving, std::int64_t first, std::int64_t count,
                       double* sums) {
    loops.add_masked(of.period, out + first, arriving, masked + first, count, sums);
  };
  cpu::store(pass_on<1>(*shape, gradient, of, {out}, add), grad_bias);
}

const Fill fill_batch_norm_grad{conv2d_batch_norm_grad, DeviceType::CPU, &batch_norm_grad_cpu};
const Fill fill_bias_relu_grad{conv2d_bias_relu_grad, DeviceType::CPU, &bias_relu_grad_cpu};

}  // namespace
}  // namespace rho::kernels
