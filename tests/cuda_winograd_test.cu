// Winograd's convolution on a CUDA device, called whatever its size, against plain sums in double
// within the bound that kernels/cpu/winograd.h states.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/copy.h"
#include "kernels/cuda/winograd.h"
#include "kernels/precision.h"
#include "tensor/allocator.h"
#include "tests/support/rounded_products.h"
#include "tests/support/testing.h"
#include "tests/support/winograd_bound.h"

namespace rho::kernels::cuda {
namespace {

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
    return takes_winograd(Tensor::empty(x, dtype), Tensor::empty(w, dtype),
                          Tensor::empty(conv2d_shape(x, w, options), dtype), options);
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

// The least that pays.
TEST_F(CudaWinograd, IsWhatConvolutionsAre) {
  const WinogradCase c{{64, 8, 8, 64}, {64, 3, 3, 64}, 1, 1};
  const Tensor x = uniform<float>(c.x, 1).to(kCuda), w = uniform<float>(c.w, 2).to(kCuda);
  const Tensor g = uniform<float>(c.y(), 3).to(kCuda);
  ASSERT_TRUE(takes_winograd(x, w, g, c.options()));
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
