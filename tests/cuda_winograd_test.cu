// Winograd's convolution on a CUDA device, called whatever its size, against plain sums in double
// within the bound that kernels/cpu/winograd.h states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/bias_relu_grad.h"
#include "kernels/cuda/winograd.h"
#include "kernels/precision.h"
#include "tensor/allocator.h"
#include "tests/support/rounded_products.h"
#include "tests/support/testing.h"
#include "tests/support/winograd_bound.h"

namespace rho::kernels::cuda {
namespace {

using testing::epsilon;
using testing::expect_within;
using testing::kCuda;
using testing::uniform;
using testing::unset;
using testing::WinogradCase;

class CudaWinograd : public ::testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
  }
};

std::vector<double> on_host(const Tensor& x) { return x.to(Device{}).to_vector<double>(); }

std::vector<WinogradCase> cases() {
  std::vector<WinogradCase> out{{{1, 6, 5, 8}, {16, 3, 3, 8}, 1, 3}};
  for (const WinogradCase& c : testing::winograd_cases())
    if (c.w[1] == 3 && c.stride == 1) out.push_back(c);
  return out;
}

TEST_F(CudaWinograd, EqualsPlainSumsWithinItsBound) {
  for (const WinogradCase& c : cases()) {
    SCOPED_TRACE(::testing::Message() << c);
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2),
                 g = uniform<float>(c.y(), 3);
    const testing::Expected e =
        expected(c, x.to_vector<double>(), w.to_vector<double>(), g.to_vector<double>());
    const Tensor y = unset(c.y()), grad_x = unset(c.x), grad_w = unset(c.w);
    winograd_forward(x.to(kCuda), w.to(kCuda), c.options(), {}, y);
    winograd_input_grad(g.to(kCuda), w.to(kCuda), c.options(), {}, grad_x);
    winograd_weight_grad(x.to(kCuda), g.to(kCuda), c.options(), grad_w);
    expect_within(on_host(y), e.y, e.bound_y, c.x[3], "y");
    expect_within(on_host(grad_x), e.grad_x, e.bound_x, c.w[0], "grad_x");
    expect_within(on_host(grad_w), e.grad_w, e.bound_w, c.x[0] * c.y()[1] * c.y()[2], "grad_w");
  }
}

TEST_F(CudaWinograd, OutputsGoThroughWhatFollows) {
  const WinogradCase c{{2, 7, 6, 5}, {19, 3, 3, 5}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1).to(kCuda), w = uniform<float>(c.w, 2).to(kCuda);
  const Tensor bias = uniform<float>({19}, 3), residual = uniform<float>(c.y(), 4);
  const Tensor plain = unset(c.y()), found = unset(c.y());
  winograd_forward(x, w, c.options(), {}, plain);
  winograd_forward(x, w, c.options(), {bias.to(kCuda), residual.to(kCuda), true}, found);
  const std::vector<float> before = plain.to(Device{}).to_vector<float>(),
                           added = residual.to_vector<float>(), by = bias.to_vector<float>();
  std::vector<float> after;
  for (std::size_t i = 0; i < before.size(); ++i)
    after.push_back(std::max(before[i] + by[i % 19] + added[i], 0.0F));
  EXPECT_EQ(found.to(Device{}).to_vector<float>(), after);
}

TEST_F(CudaWinograd, IsUsedWhereItPays) {
  const auto used = [](const Shape& x, const Shape& w, const Conv2dOptions& options,
                       DType dtype = DType::Float32) {
    return takes_winograd(dtype, x, w, conv2d_shape(x, w, options), options);
  };
  const Conv2dOptions padded{.pad_h = 1, .pad_w = 1};
  EXPECT_TRUE(used({128, 32, 32, 16}, {16, 3, 3, 16}, padded));
  EXPECT_TRUE(used({128, 8, 8, 64}, {64, 3, 3, 64}, padded));
  EXPECT_FALSE(used({128, 32, 32, 3}, {16, 3, 3, 3}, padded));  // few channels
  EXPECT_FALSE(used({4, 8, 8, 64}, {64, 3, 3, 64}, padded));    // few tiles
  EXPECT_FALSE(used({999, 5, 5, 64}, {64, 3, 3, 64}, padded));  // tiles beyond the map
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 8}, {.pad_h = 1, .pad_w = 1, .groups = 2}));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 5, 3, 16}, padded));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, {.stride_w = 2}));
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, padded, DType::Float64));
  const ProductPrecisionScope scope(ProductPrecision::TensorFloat32);
  EXPECT_FALSE(used({128, 32, 32, 16}, {16, 3, 3, 16}, padded));
}

TEST_F(CudaWinograd, StatisticsAreThoseOfTheResult) {
  for (const WinogradCase& c : cases()) {
    if (numel(c.y()) == 0) continue;
    SCOPED_TRACE(::testing::Message() << c);
    const Tensor x = uniform<float>(c.x, 1, 100.0, 101.0).to(kCuda),
                 w = uniform<float>(c.w, 2).to(kCuda);
    const Tensor plain = unset(c.y()), y = unset(c.y()), mean = unset({c.w[0]}),
                 variance = unset({c.w[0]});
    winograd_forward(x, w, c.options(), {}, plain);
    winograd_with_statistics(x, w, c.options(), y, mean, variance);
    const std::vector<double> values = on_host(y);
    EXPECT_EQ(values, on_host(plain));
    const auto channels = static_cast<std::size_t>(c.w[0]);
    const double count = static_cast<double>(values.size() / channels);
    for (std::size_t o = 0; o < channels; ++o) {
      double sum = 0.0, squares = 0.0;
      for (std::size_t i = o; i < values.size(); i += channels) sum += values[i];
      const double centre = sum / count;
      for (std::size_t i = o; i < values.size(); i += channels)
        squares += (values[i] - centre) * (values[i] - centre);
      EXPECT_NEAR(on_host(mean)[o], centre, epsilon<float>() * std::abs(centre));
      EXPECT_NEAR(on_host(variance)[o], squares / count, epsilon<float>() * squares / count);
    }
  }
}

/// Sums in double, in another order and rounded once; no term is more than 16.
void expect_sums_near(const Tensor& found, const Tensor& expected, double terms) {
  const std::vector<double> a = on_host(found), b = on_host(expected);
  for (std::size_t c = 0; c < a.size(); ++c)
    EXPECT_NEAR(a[c], b[c],
                16.0 * terms * terms * epsilon<double>() + epsilon<float>() * std::abs(b[c]));
}

// What follows the gradient in the same launch, or in launches of its own.
TEST_F(CudaWinograd, GradientsGoOnAsSeparateOperations) {
  const WinogradCase c{{3, 9, 7, 19}, {5, 3, 3, 19}, 1, 1};
  const Shape rows{3 * 9 * 7, 19};
  const auto tensor = [](const Shape& shape, std::uint64_t stream, double low = -1.0) {
    return uniform<float>(shape, stream, low).to(kCuda);
  };
  const Tensor x = tensor(rows, 1), y = tensor(rows, 2), w = tensor(c.w, 3), g = tensor(c.y(), 4);
  const Tensor rest = tensor(rows, 5);
  for (const bool has_rest : {false, true}) {
    const InputGradient gradient{g, w, c.options(), c.x, has_rest ? rest : Tensor()};
    const Tensor whole = unset(c.x);
    winograd_input_grad(g, w, c.options(), gradient.rest, whole);
    for (const auto& [relu, residual] : {std::pair{false, false}, {true, false}, {true, true}}) {
      SCOPED_TRACE(::testing::Message() << has_rest << relu << residual);
      const BatchNormArguments with{
          tensor({19}, 6), tensor({19}, 7, 0.5), tensor({19}, 8), tensor({19}, 9), 1e-5, relu};
      const auto results = [&] {
        return BatchNormGradients{unset(rows), unset({19}), unset({19}),
                                  residual ? unset(rows) : Tensor()};
      };
      const BatchNormGradients expected = results(), found = results();
      batch_norm_grad(x, with, y, whole.view(rows), expected);
      winograd_batch_norm_grad(gradient, x, with, y, found);
      expect_sums_near(found.gamma, expected.gamma, 189.0);
      expect_sums_near(found.beta, expected.beta, 189.0);
      if (residual) {
        EXPECT_EQ(on_host(found.residual), on_host(expected.residual));
      }
      // The means, rounded to float, may differ by a rounding each.
      testing::expect_near(found.x.to(Device{}), on_host(expected.x), 64 * epsilon<float>());
    }
    const Tensor expected = unset(rows), found = unset(rows), bias = unset({19}),
                 found_bias = unset({19});
    bias_relu_grad(y, whole.view(rows), expected, bias);
    winograd_bias_relu_grad(gradient, y, found, found_bias);
    EXPECT_EQ(on_host(found), on_host(expected));
    expect_sums_near(found_bias, bias, 189.0);
  }
}

// The least that pays.
TEST_F(CudaWinograd, IsWhatConvolutionsAre) {
  const WinogradCase c{{64, 8, 8, 64}, {64, 3, 3, 64}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1).to(kCuda), w = uniform<float>(c.w, 2).to(kCuda);
  const Tensor g = uniform<float>(c.y(), 3).to(kCuda);
  ASSERT_TRUE(takes_winograd(DType::Float32, c.x, c.w, c.y(), c.options()));
  const auto both = [&](const Shape& shape, const auto& run, const auto& slot) {
    const Tensor one = unset(shape), two = unset(shape);
    run(one), slot(two);
    EXPECT_EQ(on_host(one), on_host(two));
  };
  both(
      c.y(), [&](const Tensor& y) { winograd_forward(x, w, c.options(), {}, y); },
      [&](const Tensor& y) { conv2d_forward(x, w, c.options(), {}, y); });
  both(
      c.x, [&](const Tensor& out) { winograd_input_grad(g, w, c.options(), {}, out); },
      [&](const Tensor& out) { conv2d_input_grad(g, w, c.options(), out); });
  both(
      c.w, [&](const Tensor& out) { winograd_weight_grad(x, g, c.options(), out); },
      [&](const Tensor& out) { conv2d_weight_grad(x, g, c.options(), out); });
}

}  // namespace
}  // namespace rho::kernels::cuda
