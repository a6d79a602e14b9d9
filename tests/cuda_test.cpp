// Kernels on a CUDA device against the same kernels on the CPU. Skipped where there is no device.
#include <gtest/gtest.h>

#include "kernels/arithmetic.h"
#include "kernels/conv2d.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/matmul.h"
#include "kernels/reduce.h"
#include "kernels/relu.h"
#include "kernels/softmax.h"
#include "tensor/allocator.h"
#include "tests/support/testing.h"

namespace rho {
namespace {

using testing::epsilon;
using testing::strided;
using testing::uniform;

const Device kCuda{DeviceType::CUDA, 0};

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::CUDA) == 0) GTEST_SKIP() << "no CUDA device";
  }
};

std::vector<double> on_host(const Tensor& x) { return x.to(Device{}).to_vector<double>(); }

TEST_F(Cuda, TransfersThereAndBack) {
  for (const Shape& shape : std::vector<Shape>{{3, 5}, {0, 2}, {}}) {
    const Tensor x = uniform<float>(shape);
    EXPECT_EQ(on_host(x.to(kCuda)), x.to_vector<double>());
  }
  const Tensor spread = strided<double>(uniform({4, 3}));
  EXPECT_EQ(on_host(spread.to(kCuda)), spread.to_vector<double>());
}

TEST_F(Cuda, TwoDevicesWorkSideBySide) {
  if (device_count(DeviceType::CUDA) < 2) GTEST_SKIP() << "one CUDA device";
  const Device second{DeviceType::CUDA, 1};
  const Tensor x = uniform<float>({4, 5});
  const Tensor first_x = x.to(kCuda), second_x = first_x.to(second);
  EXPECT_EQ(second_x.device(), second);
  const Tensor sum = Tensor::empty(x.shape(), x.dtype(), second);
  kernels::add(second_x, second_x, sum);
  std::vector<double> expected;
  for (const double value : x.to_vector<double>()) expected.push_back(2.0 * value);
  EXPECT_EQ(on_host(sum), expected);
  EXPECT_TRUE(testing::contains(testing::message_of([&] { kernels::add(first_x, second_x, sum); }),
                                "[add]", "cuda:0", "cuda:1"));
}

// What a kernel reports is thrown when the host next waits for the device, and once.
TEST_F(Cuda, BadLabelsAreReportedAtTheNextWait) {
  const Tensor logits = uniform<float>({3, 4}).to(kCuda);
  const Tensor losses = Tensor::empty({3}, DType::Float32, kCuda);
  const auto labels = [](std::int64_t last) {
    return Tensor::from(std::vector<std::int64_t>{0, 3, last}, {3}, kCuda);
  };
  kernels::cross_entropy(logits, labels(7), losses);
  EXPECT_TRUE(testing::contains(testing::message_of([&] { losses.to_vector<double>(); }),
                                "[cross_entropy]", "label 7 of example 2", "0 to 3"));
  kernels::cross_entropy(logits, labels(1), losses);
  EXPECT_EQ(losses.to_vector<double>().size(), 3U);
}

TEST_F(Cuda, TheSameBitsTwice) {
  const Tensor x = uniform<float>({3, 9, 9, 5}, 1).to(kCuda);
  const Tensor w = uniform<float>({7, 3, 3, 5}, 2).to(kCuda);
  const auto all = [&] {
    const Tensor y = Tensor::empty({3, 7, 7, 7}, DType::Float32, kCuda);
    const Tensor grad_w = Tensor::empty(w.shape(), DType::Float32, kCuda);
    const Tensor total = Tensor::empty({1, 1}, DType::Float32, kCuda);
    kernels::conv2d_forward(x, w, {}, {}, y);
    kernels::conv2d_weight_grad(x, y, {}, grad_w);
    kernels::sum(y.view({1, y.numel(), 1}), total);
    return std::vector{y.to_vector<float>(), grad_w.to_vector<float>(), total.to_vector<float>()};
  };
  EXPECT_EQ(all(), all());
}

TEST_F(Cuda, CopiesAndFillsStridedTensors) {
  const Tensor x = uniform<float>({6, 5, 4});
  const Tensor view = x.to(kCuda).permute({2, 0, 1}).slice(1, 1, 6, 2);
  EXPECT_EQ(on_host(kernels::to_dtype(kernels::clone(view), DType::Float64)),
            x.permute({2, 0, 1}).slice(1, 1, 6, 2).to_vector<double>());
  const Tensor filled = kernels::zeros({3, 4}, DType::Int64, kCuda);
  kernels::fill(filled.slice(1, 0, 4, 2), 7.0);
  EXPECT_EQ(on_host(filled), (std::vector<double>{7, 0, 7, 0, 7, 0, 7, 0, 7, 0, 7, 0}));
}

template <class T>
void expect_same_arithmetic() {
  const Tensor a = uniform<T>({300, 70}, 1, 0.5, 2.0), b = uniform<T>({70}, 2, 0.5, 2.0);
  const Tensor wide = b.expand(a.shape());
  const Tensor a_there = a.to(kCuda);
  const Tensor wide_there = b.to(kCuda).expand(a.shape());
  for (const auto* op :
       {&kernels::add, &kernels::sub, &kernels::mul, &kernels::div, &kernels::relu_grad}) {
    const Tensor here = Tensor::empty(a.shape(), a.dtype());
    const Tensor there = Tensor::empty(a.shape(), a.dtype(), kCuda);
    (*op)(a, wide, here);
    (*op)(a_there, wide_there, there);
    testing::expect_near(there.to(Device{}), here.to_vector<double>(), 2 * epsilon<T>(),
                         std::string(op->name()));
  }
  for (const auto* op : {&kernels::exp, &kernels::log, &kernels::sqrt, &kernels::abs,
                         &kernels::sign, &kernels::softplus, &kernels::sigmoid, &kernels::relu}) {
    const Tensor here = Tensor::empty(a.shape(), a.dtype());
    const Tensor there = Tensor::empty(a.shape(), a.dtype(), kCuda);
    (*op)(a, here);
    (*op)(a_there, there);
    testing::expect_near(there.to(Device{}), here.to_vector<double>(), 8 * epsilon<T>(),
                         std::string(op->name()));
  }
}

TEST_F(Cuda, ArithmeticAgreesWithTheCpu) {
  expect_same_arithmetic<float>();
  expect_same_arithmetic<double>();
}

// Products large enough for every size of tile, with extents that vectors divide and that nothing
// does; by each layout of the operands.
TEST_F(Cuda, LargeProductsAgreeWithTheCpu) {
  struct Extents {
    std::int64_t rows, columns, depth;
  };
  for (const auto& [rows, columns, depth] : {Extents{67600, 16, 12},
                                             {75001, 15, 9},
                                             {33800, 32, 12},
                                             {37301, 29, 17},
                                             {16900, 64, 20},
                                             {17741, 61, 9},
                                             {1800, 1300, 12},
                                             {1797, 1301, 9}})
    for (const bool turned : {false, true}) {
      Tensor a = uniform<float>(turned ? Shape{depth, rows} : Shape{rows, depth}, 1);
      Tensor b = uniform<float>(turned ? Shape{columns, depth} : Shape{depth, columns}, 2);
      Tensor a_there = a.to(kCuda), b_there = b.to(kCuda);
      for (Tensor* const x : {&a, &b, &a_there, &b_there})
        if (turned) *x = x->transpose(0, 1);
      const Tensor here = Tensor::empty({rows, columns}, DType::Float32);
      const Tensor there = Tensor::empty({rows, columns}, DType::Float32, kCuda);
      kernels::matmul(a, b, here);
      kernels::matmul(a_there, b_there, there);
      const std::vector<double> expected = here.to_vector<double>(), found = on_host(there);
      double error = 0.0;
      for (std::size_t i = 0; i < found.size(); ++i)
        error = std::max(error, std::abs(found[i] - expected[i]));
      // Two sums of at most `depth` terms below 1.
      const double bound = 2.0 * static_cast<double>(depth * depth) * epsilon<float>();
      EXPECT_TRUE(error <= bound) << rows << " x " << columns << " x " << depth << ": " << error;
    }
}

}  // namespace
}  // namespace rho
