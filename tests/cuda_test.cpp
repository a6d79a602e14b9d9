// Kernels on a CUDA device against the same kernels on the CPU. Skipped where there is no device.
#include <gtest/gtest.h>

#include "kernels/arithmetic.h"
#include "kernels/copy.h"
#include "kernels/fill.h"
#include "kernels/relu.h"
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

}  // namespace
}  // namespace rho
