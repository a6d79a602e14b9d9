// Products whose operands are rounded, against products in double of operands that the test rounds
// itself. What needs a device is skipped where there is none.
#include "kernels/precision.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <thread>

#include "autograd/ops/losses.h"
#include "kernels/conv2d.h"
#include "kernels/copy.h"
#include "kernels/matmul.h"
#include "nn/gradient_step.h"
#include "nn/nn.h"
#include "tensor/allocator.h"
#include "tests/support/rounded_products.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;
using kernels::product_precision;
using kernels::ProductPrecision;
using kernels::ProductPrecisionScope;
using testing::contains;
using testing::expect_sums;
using testing::kCuda;
using testing::magnitudes;
using testing::message_of;
using testing::product_in_double;
using testing::product_shape;
using testing::rounded;
using testing::significand_bits;
using testing::uniform;
using testing::unset;

Tensor multiply(ProductPrecision precision, const Tensor& a, const Tensor& b) {
  const ProductPrecisionScope scope(precision);
  Tensor out = unset(product_shape(a, b));
  kernels::matmul(a, b, out);
  return out;
}

TEST(Precision, BelongsToAThread) {
  EXPECT_EQ(product_precision(), ProductPrecision::Float32);
  {
    const ProductPrecisionScope scope(ProductPrecision::BFloat16);
    EXPECT_EQ(product_precision(), ProductPrecision::BFloat16);
    ProductPrecision other = ProductPrecision::BFloat16;
    std::thread([&] { other = product_precision(); }).join();
    EXPECT_EQ(other, ProductPrecision::Float32);
  }
  EXPECT_EQ(product_precision(), ProductPrecision::Float32);
}

TEST(Precision, TheCpuHasIeeeProductsAlone) {
  const auto empty = [](const Shape& shape, DType dtype = DType::Float32) {
    return Tensor::empty(shape, dtype, Device{});
  };
  const Tensor a = empty({2, 2}), x = empty({1, 3, 3, 1}), w = empty({1, 2, 2, 1}),
               y = empty({1, 2, 2, 1});
  const ProductPrecisionScope scope(ProductPrecision::TensorFloat32);
  const auto expect_refused = [](const std::string& op, const std::function<void()>& body) {
    EXPECT_TRUE(contains(message_of(body), "[" + op + "]", "tf32", "CUDA devices", "on cpu"));
  };
  expect_refused("matmul", [&] { kernels::matmul(a, a, empty({2, 2})); });
  expect_refused("conv2d", [&] { kernels::conv2d_forward(x, w, {}, {}, y); });
  expect_refused("conv2d_input_grad", [&] { kernels::conv2d_input_grad(y, w, {}, x); });
  expect_refused("conv2d_weight_grad", [&] { kernels::conv2d_weight_grad(x, y, {}, w); });
  const Tensor ones = Tensor::from(std::vector<double>{1.0}, {1, 1}, Device{});
  EXPECT_EQ(product_in_double(ones, ones).to_vector<double>(), std::vector<double>{1.0});
}

class CudaPrecision : public ::testing::TestWithParam<ProductPrecision> {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
  }
};

INSTANTIATE_TEST_SUITE_P(Of, CudaPrecision,
                         ::testing::Values(ProductPrecision::TensorFloat32,
                                           ProductPrecision::BFloat16),
                         [](const auto& of) { return std::string(name_of(of.param)); });

// Times one: what is left is the operand.
TEST_P(CudaPrecision, RoundsToNearestEven) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double unit = std::ldexp(1.0, 1 - significand_bits(GetParam()));
  std::vector<float> values;
  for (const double sign : {1.0, -1.0})
    for (const double x : {0.0, 1.0, 1 + unit / 2, 1 + 1.5 * unit, 1 + 2.5 * unit, 1 + 0.49 * unit,
                           1 + 0.51 * unit, 2 - unit / 2, 2 - 0.51 * unit,
                           std::ldexp(1 + 0.7 * unit, -100), std::ldexp(1 + 1.3 * unit, 120),
                           static_cast<double>(std::numeric_limits<float>::max()), kInf})
      values.push_back(static_cast<float>(sign * x));
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor one = Tensor::from(std::vector<float>{1.0F}, {1, 1}, kCuda);
  const Tensor x = Tensor::from(values, {count, 1}, kCuda);
  std::vector<double> expected(values.begin(), values.end());
  for (double& value : expected) value = rounded(value, GetParam());
  EXPECT_EQ(multiply(GetParam(), x, one).to(Device{}).to_vector<double>(), expected);
  EXPECT_EQ(multiply(GetParam(), one, x.transpose(0, 1)).to(Device{}).to_vector<double>(),
            expected);
}

TEST_P(CudaPrecision, NaNAndInfinityStayWhereTheyBelong) {
  // The first is the usual NaN; rounded as numbers, the next two would become 0 and infinity.
  for (const std::uint32_t bits : {0x7fc00000U, 0xffffffffU, 0x7f800001U, 0x7f800000U}) {
    const auto special = std::bit_cast<float>(bits);
    std::vector<float> values = uniform<float>({19, 37}).to_vector<float>();
    values[4 * 37 + 20] = special;
    const auto found = multiply(GetParam(), Tensor::from(values, {19, 37}, kCuda),
                                uniform<float>({37, 9}, 1).to(kCuda))
                           .to(Device{})
                           .to_vector<float>();
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(i / 9 == 4 ? std::isnan(found[i]) == std::isnan(special) &&
                                   std::isinf(found[i]) == std::isinf(special)
                             : std::isfinite(found[i]))
          << std::hex << bits << ": element " << i << " is " << found[i];
  }
}

// Every layout of the operands, in vectors and one by one; several slabs, and several slices.
TEST_P(CudaPrecision, MatmulIsThatOfRoundedOperands) {
  const std::int64_t sizes[][3] = {{1, 1, 1},     {1, 7, 1},    {5, 1, 9},    {16, 16, 8},
                                   {17, 33, 7},   {64, 32, 64}, {68, 36, 72}, {67, 129, 70},
                                   {130, 20, 33}, {3, 1100, 5}, {4, 1120, 8}};
  for (const auto& [rows, depth, columns] : sizes) {
    const Tensor dense_a = uniform<float>({rows, depth}, 1);
    const Tensor dense_b = uniform<float>({depth, columns}, 2);
    const Tensor expected =
        product_in_double(rounded(dense_a, GetParam()), rounded(dense_b, GetParam()));
    const Tensor magnitude = product_in_double(magnitudes(dense_a), magnitudes(dense_b));
    const auto turned = [](const Tensor& x) {
      return kernels::clone(x.transpose(0, 1)).to(kCuda).transpose(0, 1);
    };
    const auto spread = [](const Tensor& x) {
      Shape wide = x.shape();
      wide[1] *= 3;
      const Tensor view = unset(wide).slice(1, 0, wide[1], 3);
      kernels::copy(x.to(kCuda), view);
      return view;
    };
    for (const Tensor& a : {dense_a.to(kCuda), turned(dense_a), spread(dense_a)})
      for (const Tensor& b : {dense_b.to(kCuda), turned(dense_b)}) {
        SCOPED_TRACE(::testing::Message() << a.shape() << ' ' << a.strides() << " x " << b.shape()
                                          << ' ' << b.strides());
        expect_sums(multiply(GetParam(), a, b), expected, magnitude, depth);
      }
  }
}

TEST_P(CudaPrecision, MatmulTakesBatchesAndEmptyExtents) {
  const Tensor a = uniform<float>({3, 1, 9, 20}, 1), b = uniform<float>({1, 2, 20, 12}, 2);
  const auto both = [](const Tensor& x) { return x.expand({3, 2, x.size(2), x.size(3)}); };
  expect_sums(multiply(GetParam(), both(a.to(kCuda)), both(b.to(kCuda))),
              product_in_double(both(rounded(a, GetParam())), both(rounded(b, GetParam()))),
              product_in_double(both(magnitudes(a)), both(magnitudes(b))), 20);
  const auto product = [&](const Shape& left, const Shape& right) {
    return multiply(GetParam(), Tensor::empty(left, DType::Float32, kCuda),
                    Tensor::empty(right, DType::Float32, kCuda))
        .to(Device{})
        .to_vector<double>();
  };
  EXPECT_EQ(product({2, 0}, {0, 2}), std::vector<double>(4, 0.0));
  EXPECT_TRUE(product({0, 3}, {3, 2}).empty());
  EXPECT_TRUE(product({2, 3}, {3, 0}).empty());
}

// Enough of them for the largest tile.
TEST_P(CudaPrecision, LargeProducts) {
  for (const auto& [rows, columns, depth, is_turned] :
       {std::tuple{1800, 1300, 36, false}, std::tuple{1797, 1301, 17, true}}) {
    const Tensor a = uniform<float>({rows, depth}, 1), b = uniform<float>({columns, depth}, 2);
    const Tensor there = kernels::clone(b.transpose(0, 1)).to(kCuda);
    expect_sums(multiply(GetParam(), a.to(kCuda), is_turned ? b.to(kCuda).transpose(0, 1) : there),
                product_in_double(rounded(a, GetParam()), rounded(b, GetParam()).transpose(0, 1)),
                product_in_double(magnitudes(a), magnitudes(b).transpose(0, 1)), depth);
  }
}

struct ConvCase {
  Shape x, w;
  Conv2dOptions options;
};

/// y, grad_x and grad_w, as `dtype` on `device`.
struct Convolutions {
  Convolutions(const ConvCase& c, const Tensor& x, const Tensor& w, const Tensor& grad_y)
      : y(like(c, x)), grad_x(empty(c.x, x)), grad_w(empty(c.w, x)) {
    kernels::conv2d_forward(x, w, c.options, {}, y);
    kernels::conv2d_input_grad(grad_y, w, c.options, grad_x);
    kernels::conv2d_weight_grad(x, grad_y, c.options, grad_w);
  }
  static Tensor empty(const Shape& shape, const Tensor& as) {
    return as.dtype() == DType::Float32 ? unset(shape)
                                        : Tensor::empty(shape, as.dtype(), as.device());
  }
  static Tensor like(const ConvCase& c, const Tensor& as) {
    return empty(kernels::conv2d_shape(c.x, c.w, c.options), as);
  }

  Tensor y, grad_x, grad_w;
};

TEST_P(CudaPrecision, ConvolutionsAreThoseOfRoundedOperands) {
  const ConvCase cases[] = {
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
      {{2, 9, 8, 3}, {17, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}},
      {{2, 8, 9, 8}, {12, 5, 5, 8}, {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}},
      {{1, 10, 11, 2}, {9, 3, 2, 2}, {.stride_h = 3, .stride_w = 2, .pad_w = 1}},
      {{2, 7, 7, 5}, {3, 1, 1, 5}, {.stride_h = 2, .stride_w = 3}},  // pixels without taps
      {{2, 6, 5, 16}, {24, 3, 2, 8}, {.stride_h = 2, .pad_h = 1, .pad_w = 1, .groups = 2}},
      {{2, 7, 6, 4}, {4, 3, 3, 1}, {.stride_h = 2, .pad_w = 1, .groups = 4}},
      {{9, 12, 12, 4}, {36, 3, 3, 4}, {.pad_h = 1, .pad_w = 1}},  // many pixels: slices
  };
  for (const ConvCase& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.x << " and " << c.w);
    const Shape shape = kernels::conv2d_shape(c.x, c.w, c.options);
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2),
                 g = uniform<float>(shape, 3);
    const auto all = [&](const auto& change) {
      return Convolutions(c, change(x), change(w), change(g));
    };
    const Convolutions expected = all([](const Tensor& t) { return rounded(t, GetParam()); });
    const Convolutions magnitude = all(magnitudes);
    const ProductPrecisionScope scope(GetParam());
    const Convolutions found = all([](const Tensor& t) { return t.to(kCuda); });
    expect_sums(found.y, expected.y, magnitude.y, c.w[1] * c.w[2] * c.w[3]);
    expect_sums(found.grad_x, expected.grad_x, magnitude.grad_x,
                c.w[1] * c.w[2] * c.w[0] / c.options.groups);
    expect_sums(found.grad_w, expected.grad_w, magnitude.grad_w, shape[0] * shape[1] * shape[2]);
  }
}

TEST_P(CudaPrecision, WhatFollowsAConvolutionIsNotRounded) {
  for (const std::int64_t channels : {7, 8}) {
    const ConvCase c{{2, 6, 5, 3}, {channels, 3, 3, 3}, {}};
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2);
    const Tensor plain = Convolutions::like(c, x), fused = Convolutions::like(c, x);
    const Tensor bias = uniform<float>({channels}, 3), residual = uniform<float>(plain.shape(), 4);
    const ProductPrecisionScope scope(GetParam());
    kernels::conv2d_forward(x.to(kCuda), w.to(kCuda), {}, {}, plain);
    kernels::conv2d_forward(x.to(kCuda), w.to(kCuda), {},
                            {bias.to(kCuda), residual.to(kCuda), true}, fused);
    std::vector<float> expected = plain.to(Device{}).to_vector<float>();
    const auto biases = bias.to_vector<float>(), residuals = residual.to_vector<float>();
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] = std::max(expected[i] + biases[i % biases.size()] + residuals[i], 0.0F);
    EXPECT_EQ(fused.to(Device{}).to_vector<float>(), expected);
  }
}

TEST_P(CudaPrecision, TheSameBitsTwiceAndOtherOnesThanInFloat32) {
  const Tensor a = uniform<float>({33, 1500}, 1).to(kCuda),
               b = uniform<float>({1500, 20}, 2).to(kCuda);
  const auto product = [&](ProductPrecision precision) {
    return multiply(precision, a, b).to(Device{}).to_vector<float>();
  };
  EXPECT_EQ(product(GetParam()), product(GetParam()));
  EXPECT_NE(product(GetParam()), product(ProductPrecision::Float32));
}

TEST_P(CudaPrecision, DoubleStaysDouble) {
  const Tensor a = uniform({9, 40}, 1).to(kCuda), b = uniform({40, 12}, 2).to(kCuda);
  const auto product = [&](ProductPrecision precision) {
    const ProductPrecisionScope scope(precision);
    const Tensor out = Tensor::empty({9, 12}, DType::Float64, kCuda);
    kernels::matmul(a, b, out);
    return out.to(Device{}).to_vector<double>();
  };
  EXPECT_EQ(product(GetParam()), product(ProductPrecision::Float32));
}

// A step that was captured in one precision is not replayed in another.
TEST_P(CudaPrecision, ACapturedStepIsCapturedAnew) {
  Rng rng(1);
  nn::Sequential model;
  model.add("linear", std::make_shared<nn::Linear>(30, 3, true, nn::Init{}, rng));
  model.to(kCuda);
  const Tensor x = uniform<float>({5, 30}).to(kCuda);
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 0, 1}, {5}, kCuda);
  const auto objective = [](const Variable& outputs, const Tensor& of) {
    return cross_entropy(outputs, of);
  };
  nn::GradientStep captured(model, objective, true), eager(model, objective, false);
  const auto gradient = [&](nn::GradientStep& step, ProductPrecision precision) {
    const ProductPrecisionScope scope(precision);
    for (int i = 0; i < 3; ++i) step(x, labels);
    return model.parameters()[0].value.grad().value().to(Device{}).to_vector<float>();
  };
  const auto full = gradient(eager, ProductPrecision::Float32);
  const auto reduced = gradient(eager, GetParam());
  EXPECT_NE(full, reduced);
  EXPECT_EQ(gradient(captured, ProductPrecision::Float32), full);
  EXPECT_EQ(gradient(captured, GetParam()), reduced);
  EXPECT_EQ(gradient(captured, ProductPrecision::Float32), full);
}

}  // namespace
}  // namespace rho
