// Products by NVIDIA's libraries, against sums in double. What needs a device and the libraries is
// skipped where they are missing; tests/cuda_emulator has an emulation of both.
#include "kernels/provider.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "autograd/ops/losses.h"
#include "kernels/conv2d.h"
#include "kernels/copy.h"
#include "kernels/library.h"
#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "nn/gradient_step.h"
#include "nn/nn.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using kernels::Conv2dOptions;
using kernels::Library;
using kernels::product_provider;
using kernels::ProductPrecision;
using kernels::ProductPrecisionScope;
using kernels::ProductProvider;
using kernels::ProductProviderScope;
using testing::contains;
using testing::epsilon;
using testing::message_of;
using testing::uniform;

const Device kThere{DeviceType::CUDA, 0};

TEST(Library, IsOpenedByName) {
  double (*const cosine)(double) = Library("test", "libm.so.6")["cos"];
  EXPECT_EQ(cosine(0.0), 1.0);
}

TEST(Library, SaysWhatIsMissing) {
  EXPECT_TRUE(contains(message_of([] { Library("provider nvidia", "libcublas.so.0"); }),
                       "[provider nvidia] libcublas.so.0", "can not be opened", "No such file"));
  EXPECT_TRUE(contains(message_of([] { Library("test", "libm.so.6")["cublasCreate_v2"]; }),
                       "[test] libm.so.6 has no cublasCreate_v2", "older"));
}

TEST(Provider, BelongsToAThread) {
  const ProductProvider before = product_provider();
  {
    const ProductProviderScope scope(ProductProvider::Nvidia);
    EXPECT_EQ(product_provider(), ProductProvider::Nvidia);
    ProductProvider other = ProductProvider::Nvidia;
    std::thread([&] { other = product_provider(); }).join();
    EXPECT_EQ(other, ProductProvider::Rho);
  }
  EXPECT_EQ(product_provider(), before);
}

TEST(Provider, TheCpuHasOurProductsAlone) {
  const auto empty = [](const Shape& shape) {
    return Tensor::empty(shape, DType::Float64, Device{});
  };
  const Tensor a = empty({2, 2}), x = empty({1, 3, 3, 1}), w = empty({1, 2, 2, 1}),
               y = empty({1, 2, 2, 1});
  const ProductProviderScope scope(ProductProvider::Nvidia);
  const auto expect_refused = [](const std::string& op, const std::function<void()>& body) {
    EXPECT_TRUE(contains(message_of(body), "[" + op + "]", "nvidia", "CUDA devices", "on cpu"));
  };
  expect_refused("matmul", [&] { kernels::matmul(a, a, empty({2, 2})); });
  expect_refused("conv2d", [&] { kernels::conv2d_forward(x, w, {}, {}, y); });
  expect_refused("conv2d_input_grad", [&] { kernels::conv2d_input_grad(y, w, {}, x); });
  expect_refused("conv2d_weight_grad", [&] { kernels::conv2d_weight_grad(x, y, {}, w); });
}

TEST(Provider, HasNoVersionOfALibraryThatNobodyKnows) {
  EXPECT_EQ(kernels::product_library_version("cusparse"), "");
}

class CudaProvider : public ::testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
    for (const char* const library : {"cublas", "cudnn"})
      if (kernels::product_library_version(library).empty()) GTEST_SKIP() << "no " << library;
  }
};

Tensor absolute_values(const Tensor& x) {
  std::vector<double> values = x.to_vector<double>();
  for (double& value : values) value = std::abs(value);
  return Tensor::from(values, x.shape());
}

/// Outputs start as NaN: every element must be overwritten.
Tensor nan_there(const Shape& shape, DType dtype) {
  return kernels::to_dtype(
      Tensor::from(std::vector<double>(static_cast<std::size_t>(numel(shape)),
                                       std::numeric_limits<double>::quiet_NaN()),
                   shape, kThere),
      dtype);
}

/// Sums of `terms` products of operands, each at most `rounding` off, relative to itself, whose
/// absolute_values sum to `magnitude`. The sums are in `dtype`.
void expect_provided(const Tensor& found, const Tensor& expected, const Tensor& magnitude,
                     std::int64_t terms, double rounding = 0.0) {
  ASSERT_EQ(found.shape(), expected.shape());
  const double unit = found.dtype() == DType::Float32 ? epsilon<float>() : epsilon<double>();
  const double relative = 2.0 * static_cast<double>(terms + 2) * unit + rounding * (2.0 + rounding);
  const auto values = found.to(Device{}).to_vector<double>(), sums = expected.to_vector<double>(),
             sizes = magnitude.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_TRUE(std::abs(values[i] - sums[i]) <= relative * sizes[i])
        << "element " << i << " is " << values[i] << ", expected " << sums[i];
}

/// What an operand of a tensor core may lose: all bits after the 11, or the 8, that it sees.
double loss_of_bits(ProductPrecision precision) {
  if (precision == ProductPrecision::Float32) return 0.0;
  return std::ldexp(1.0, precision == ProductPrecision::BFloat16 ? -7 : -10);
}

/// a b by NVIDIA's library, of a and b on the device.
Tensor provided_product(const Tensor& a, const Tensor& b) {
  const ProductProviderScope scope(ProductProvider::Nvidia);
  Shape shape = a.shape();
  shape[a.rank() - 1] = b.size(-1);
  const Tensor out = nan_there(shape, a.dtype());
  kernels::matmul(a, b, out);
  return out;
}

Tensor product_here(const Tensor& a, const Tensor& b) {
  Shape shape = a.shape();
  shape[a.rank() - 1] = b.size(-1);
  const Tensor out = Tensor::empty(shape, DType::Float64, Device{});
  kernels::matmul(a, b, out);
  return out;
}

/// `change`, a view of a tensor of this shape, of equal values here in double and there.
template <class Change>
void expect_provided_product(const Shape& shape_a, const Shape& shape_b, const Change& change_a,
                             const Change& change_b,
                             ProductPrecision precision = ProductPrecision::Float32) {
  const Tensor a = uniform<float>(shape_a, 1), b = uniform<float>(shape_b, 2);
  const auto here = [](const Tensor& x) { return kernels::to_dtype(x, DType::Float64); };
  const Tensor expected = product_here(change_a(here(a)), change_b(here(b)));
  const Tensor magnitude =
      product_here(change_a(absolute_values(here(a))), change_b(absolute_values(here(b))));
  SCOPED_TRACE(::testing::Message() << change_a(a).shape() << ' ' << change_a(a).strides() << " x "
                                    << change_b(b).shape() << ' ' << change_b(b).strides());
  const ProductPrecisionScope scope(precision);
  for (const DType dtype : {DType::Float32, DType::Float64}) {
    const auto there = [&](const Tensor& x) { return kernels::to_dtype(x, dtype).to(kThere); };
    expect_provided(provided_product(change_a(there(a)), change_b(there(b))), expected, magnitude,
                    change_a(a).size(-1), dtype == DType::Float32 ? loss_of_bits(precision) : 0.0);
  }
}

using ViewOf = std::function<Tensor(const Tensor&)>;
const ViewOf kAsItIs = [](const Tensor& x) { return x; };
const ViewOf kTurned = [](const Tensor& x) { return x.transpose(-1, -2); };

TEST_F(CudaProvider, MatricesInEveryLayout) {
  const ViewOf in_a_larger_one = [](const Tensor& x) {
    return x.slice(0, 1, x.size(0) - 1).slice(1, 2, x.size(1) - 3);
  };
  const ViewOf spread = [](const Tensor& x) { return x.slice(1, 0, x.size(1), 2); };
  const ViewOf one_row = [](const Tensor& x) { return x.slice(0, 2, 3); };
  const ViewOf repeated = [](const Tensor& x) { return x.slice(0, 2, 3).expand({9, x.size(1)}); };
  const ViewOf without_strides = [](const Tensor& x) {
    return x.expand({2, 2}).slice(0, 0, 1).slice(1, 0, 1);
  };
  expect_provided_product({7, 5}, {5, 9}, kAsItIs, kAsItIs);
  expect_provided_product({5, 7}, {9, 5}, kTurned, kTurned);
  expect_provided_product({9, 10}, {7, 12}, in_a_larger_one, in_a_larger_one);
  expect_provided_product({7, 10}, {5, 18}, spread, spread);
  expect_provided_product({4, 6}, {6, 3}, one_row, kAsItIs);
  expect_provided_product({4, 9}, {9, 3}, repeated, kAsItIs);
  expect_provided_product({3, 9}, {9, 3}, kAsItIs, repeated);
  expect_provided_product({6, 1}, {1, 1}, kAsItIs, kAsItIs);
  expect_provided_product({1, 6}, {6, 1}, kAsItIs, kAsItIs);
  expect_provided_product({1, 1}, {1, 1}, without_strides, without_strides);
  expect_provided_product({6, 2}, {1, 3}, spread, kAsItIs);  // a column with gaps
}

TEST_F(CudaProvider, MatricesInEveryOrderOfTheirBatches) {
  const ViewOf exchanged = [](const Tensor& x) { return x.transpose(0, 1); };
  const ViewOf across = [](const Tensor& x) { return x.expand({3, 2, x.size(2), x.size(3)}); };
  const ViewOf every_second = [](const Tensor& x) { return x.slice(1, 0, x.size(1), 2); };
  const ViewOf columns_first = [](const Tensor& x) { return x.permute({2, 1, 0, 3}); };
  expect_provided_product({3, 2, 4, 5}, {3, 2, 5, 6}, kAsItIs, kAsItIs);
  expect_provided_product({2, 3, 4, 5}, {3, 2, 5, 6}, exchanged, kAsItIs);
  expect_provided_product({3, 1, 4, 5}, {1, 2, 5, 6}, across, across);
  expect_provided_product({3, 4, 4, 5}, {3, 2, 5, 6}, every_second, kAsItIs);
  expect_provided_product({4, 2, 3, 5}, {3, 2, 6, 5}, columns_first, kTurned);
}

TEST_F(CudaProvider, RoundedOperandsLoseNoMoreBitsThanAskedFor) {
  for (const auto precision : {ProductPrecision::TensorFloat32, ProductPrecision::BFloat16}) {
    expect_provided_product({33, 150}, {150, 20}, kAsItIs, kAsItIs, precision);
    expect_provided_product({3, 2, 9, 40}, {3, 2, 12, 40}, kAsItIs, kTurned, precision);
  }
}

struct ProvidedConvolution {
  Shape x, w;
  Conv2dOptions options;

  Shape y() const { return kernels::conv2d_shape(x, w, options); }
};

/// y, grad_x and grad_w of operands of one dtype, where they are.
std::array<Tensor, 3> provided_convolutions(const ProvidedConvolution& c, const Tensor& x,
                                            const Tensor& w, const Tensor& grad_y) {
  const auto empty = [&](const Shape& shape) {
    return x.device() == kThere ? nan_there(shape, x.dtype())
                                : Tensor::empty(shape, x.dtype(), x.device());
  };
  const Tensor y = empty(c.y()), grad_x = empty(c.x), grad_w = empty(c.w);
  kernels::conv2d_forward(x, w, c.options, {}, y);
  kernels::conv2d_input_grad(grad_y, w, c.options, grad_x);
  kernels::conv2d_weight_grad(x, grad_y, c.options, grad_w);
  return {y, grad_x, grad_w};
}

TEST_F(CudaProvider, Convolutions) {
  const ProvidedConvolution cases[] = {
      {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
      {{2, 9, 8, 3}, {17, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}},
      {{2, 8, 9, 8}, {12, 5, 5, 8}, {.stride_h = 2, .stride_w = 2, .pad_h = 2, .pad_w = 2}},
      {{1, 10, 11, 2}, {9, 3, 2, 2}, {.stride_h = 3, .stride_w = 2, .pad_w = 1}},
      {{2, 7, 7, 5}, {3, 1, 1, 5}, {.stride_h = 2, .stride_w = 3}},  // pixels without taps
      {{2, 6, 5, 16}, {24, 3, 2, 8}, {.stride_h = 2, .pad_h = 1, .pad_w = 1, .groups = 2}},
      {{2, 7, 6, 4}, {4, 3, 3, 1}, {.stride_h = 2, .pad_w = 1, .groups = 4}},
  };
  for (const ProvidedConvolution& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.x << " and " << c.w);
    const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2),
                 g = uniform<float>(c.y(), 3);
    const auto all = [&](const auto& change) {
      return provided_convolutions(c, change(x), change(w), change(g));
    };
    const auto in_double = [](const Tensor& t) { return kernels::to_dtype(t, DType::Float64); };
    const auto expected = all(in_double);
    const auto magnitude = all([&](const Tensor& t) { return absolute_values(in_double(t)); });
    const std::int64_t taps = c.w[1] * c.w[2];
    const std::array terms{taps * c.w[3], taps * c.w[0], c.y()[0] * c.y()[1] * c.y()[2]};
    const ProductProviderScope provider(ProductProvider::Nvidia);
    for (const auto& [dtype, precision] :
         {std::pair{DType::Float32, ProductPrecision::Float32},
          std::pair{DType::Float32, ProductPrecision::TensorFloat32},
          std::pair{DType::Float64, ProductPrecision::Float32}}) {
      const ProductPrecisionScope scope(precision);
      const DType as = dtype;
      const auto found = all([&](const Tensor& t) { return kernels::to_dtype(t, as).to(kThere); });
      for (std::size_t i = 0; i < found.size(); ++i)
        expect_provided(found[i], expected[i], magnitude[i], terms[i], loss_of_bits(precision));
    }
  }
}

TEST_F(CudaProvider, WhatItCanNotDoIsAnError) {
  const auto empty = [](const Shape& shape) {
    return Tensor::empty(shape, DType::Float32, kThere);
  };
  const Tensor x = empty({1, 3, 3, 1}), w = empty({1, 2, 2, 1}), y = empty({1, 2, 2, 1});
  const ProductProviderScope provider(ProductProvider::Nvidia);
  const ProductPrecisionScope precision(ProductPrecision::BFloat16);
  const auto expect_refused = [](const std::string& op, const std::function<void()>& body) {
    EXPECT_TRUE(contains(message_of(body), "[" + op + "]", "cuDNN", "bf16", "f32 or tf32"));
  };
  expect_refused("conv2d", [&] { kernels::conv2d_forward(x, w, {}, {}, y); });
  expect_refused("conv2d_input_grad", [&] { kernels::conv2d_input_grad(y, w, {}, x); });
  expect_refused("conv2d_weight_grad", [&] { kernels::conv2d_weight_grad(x, y, {}, w); });
}

// Threads that compute side by side, and others that take their streams over.
TEST_F(CudaProvider, GivesTheSameBitsInEveryThread) {
  const Tensor a = uniform<float>({33, 500}, 1), b = uniform<float>({500, 20}, 2);
  const ProvidedConvolution c{{2, 9, 8, 3}, {17, 3, 3, 3}, {.pad_h = 1, .pad_w = 1}};
  const Tensor x = uniform<float>(c.x, 1), w = uniform<float>(c.w, 2), g = uniform<float>(c.y(), 3);
  const auto all = [&] {
    const ProductProviderScope provider(ProductProvider::Nvidia);
    std::vector<float> out =
        provided_product(a.to(kThere), b.to(kThere)).to(Device{}).to_vector<float>();
    for (const Tensor& t : provided_convolutions(c, x.to(kThere), w.to(kThere), g.to(kThere))) {
      const auto values = t.to(Device{}).to_vector<float>();
      out.insert(out.end(), values.begin(), values.end());
    }
    return out;
  };
  const std::vector<float> expected = all();
  for (int round = 0; round < 2; ++round) {
    std::array<std::vector<float>, 3> found;
    std::vector<std::thread> threads;
    threads.reserve(found.size());
    for (std::vector<float>& values : found)
      threads.emplace_back([&values, &all] { values = all(); });
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<float>& values : found) EXPECT_EQ(values, expected);
  }
}

// A step that was captured with the products of one is not replayed with those of the other.
TEST_F(CudaProvider, ACapturedStepIsCapturedAnew) {
  Rng rng(1);
  nn::Sequential model;
  model.add("conv", std::make_shared<nn::Conv2d>(3, 4, 3, Conv2dOptions{}, true, nn::Init{}, rng));
  model.add("flatten", std::make_shared<nn::Flatten>());
  model.add("linear", std::make_shared<nn::Linear>(64, 3, true, nn::Init{}, rng));
  model.to(kThere);
  const Tensor x = uniform<float>({5, 6, 6, 3}).to(kThere);
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 0, 1}, {5}, kThere);
  const auto objective = [](const Variable& outputs, const Tensor& of) {
    return cross_entropy(outputs, of);
  };
  nn::GradientStep captured(model, objective, true), eager(model, objective, false);
  const auto gradient = [&](nn::GradientStep& step, ProductProvider provider) {
    const ProductProviderScope scope(provider);
    for (int i = 0; i < 3; ++i) step(x, labels);
    return model.parameters()[0].value.grad().value().to(Device{}).to_vector<float>();
  };
  const auto ours = gradient(eager, ProductProvider::Rho);
  const auto theirs = gradient(eager, ProductProvider::Nvidia);
  EXPECT_NE(ours, theirs);
  EXPECT_EQ(gradient(captured, ProductProvider::Rho), ours);
  EXPECT_EQ(gradient(captured, ProductProvider::Nvidia), theirs);
  EXPECT_EQ(gradient(captured, ProductProvider::Rho), ours);
}

}  // namespace
}  // namespace rho
