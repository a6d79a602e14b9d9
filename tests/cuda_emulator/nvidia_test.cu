// What the emulated cuBLAS and cuDNN are trusted with, and what depends on their answers.
#include <gtest/gtest.h>

#include "kernels/conv2d.h"
#include "kernels/cuda/nvidia/cublas_functions.cuh"
#include "kernels/cuda/runtime/buffer.cuh"
#include "kernels/cuda/runtime/launch.cuh"
#include "kernels/matmul.h"
#include "kernels/precision.h"
#include "kernels/provider.h"
#include "tests/support/testing.h"

namespace rho::kernels::nvidia {
namespace {

using testing::contains;
using testing::message_of;

const Device kDevice{DeviceType::CUDA, 0};

class EmulatedCublas : public ::testing::Test {
 protected:
  void SetUp() override {
    // One for all, as the backend has no use for destroying any.
    static const cublasHandle_t handle = [] {
      cublasHandle_t made = nullptr;
      cublas().create(&made);
      return made;
    }();
    handle_ = handle;
    cublas().set_stream(handle_, cuda::stream_of(kDevice).handle);
    cublas().set_workspace(handle_, space_.data(), 1024);
  }

  /// c [2, 3] = alpha a b, all column by column: a [2, 2], b [2, 3].
  cublasStatus_t multiply(const float& alpha, std::int64_t lda, std::int64_t ldb,
                          std::int64_t ldc) {
    const float zero = 0.0F;
    return cublas().gemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 3, 2, &alpha, a_.data(), CUDA_R_32F,
                         lda, b_.data(), CUDA_R_32F, ldb, &zero, c_.data(), CUDA_R_32F, ldc,
                         CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_GEMM_DEFAULT);
  }

  cublasHandle_t handle_ = nullptr;
  cuda::Buffer<std::byte> space_{1024, kDevice};
  cuda::Buffer<float> a_{{1, 2, 3, 4}, kDevice}, b_{{1, 0, 0, 1, 1, 1}, kDevice},
      c_{std::vector<float>(6, NAN), kDevice};
};

TEST_F(EmulatedCublas, TakesColumnsAndScalarsOfTheMoment) {
  float alpha = 2.0F;
  ASSERT_EQ(multiply(alpha, 2, 2, 2), CUBLAS_STATUS_SUCCESS);
  alpha = 0.0F;
  EXPECT_EQ(c_.download(), (std::vector<float>{2, 4, 6, 8, 8, 12}));
}

TEST_F(EmulatedCublas, RefusesLeadingDimensionsThatAreTooSmall) {
  EXPECT_EQ(multiply(1.0F, 1, 2, 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(1.0F, 2, 1, 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(1.0F, 2, 2, 1), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(EmulatedCublas, HasNoWorkSpaceOfItsOwn) {
  cublas().set_stream(handle_, cuda::stream_of(kDevice).handle);
  EXPECT_EQ(multiply(1.0F, 2, 2, 2), CUBLAS_STATUS_ALLOC_FAILED);
}

TEST(EmulatedCudnn, AConvolutionThatItHasNotIsAnError) {
  const auto empty = [](const Shape& shape) {
    return Tensor::empty(shape, DType::Float32, kDevice);
  };
  const Tensor x = empty({1, 3, 20, 2}), w = empty({4, 2, 17, 1}), y = empty({1, 2, 4, 4});
  const Conv2dOptions options{.groups = 2};
  const ProductProviderScope provider(ProductProvider::Nvidia);
  const auto expect_refused = [](const std::string& op, const std::function<void()>& body) {
    EXPECT_TRUE(contains(message_of(body), "[" + op + "] cuDNN 9.0 has no algorithm",
                         "x [1, 3, 20, 2]", "weight [4, 2, 17, 1]", "groups 2", "deterministic"));
  };
  expect_refused("conv2d", [&] { kernels::conv2d_forward(x, w, options, {}, y); });
  expect_refused("conv2d_input_grad", [&] { kernels::conv2d_input_grad(y, w, options, x); });
  expect_refused("conv2d_weight_grad", [&] { kernels::conv2d_weight_grad(x, y, options, w); });
}

// What the libraries may do in these precisions, their emulation does.
TEST(EmulatedNvidia, APrecisionReachesTheLibrary) {
  const Tensor a = testing::uniform<float>({20, 30}, 1).to(kDevice),
               b = testing::uniform<float>({30, 10}, 2).to(kDevice),
               x = testing::uniform<float>({2, 6, 6, 3}, 3).to(kDevice),
               w = testing::uniform<float>({4, 3, 3, 3}, 4).to(kDevice);
  const ProductProviderScope provider(ProductProvider::Nvidia);
  const auto product = [&](ProductPrecision precision) {
    const ProductPrecisionScope scope(precision);
    const Tensor out = Tensor::empty({20, 10}, DType::Float32, kDevice);
    kernels::matmul(a, b, out);
    return out.to(Device{}).to_vector<float>();
  };
  const auto convolution = [&](ProductPrecision precision) {
    const ProductPrecisionScope scope(precision);
    const Tensor out = Tensor::empty({2, 4, 4, 4}, DType::Float32, kDevice);
    kernels::conv2d_forward(x, w, {}, {}, out);
    return out.to(Device{}).to_vector<float>();
  };
  const auto full = product(ProductPrecision::Float32);
  EXPECT_NE(product(ProductPrecision::TensorFloat32), full);
  EXPECT_NE(product(ProductPrecision::BFloat16), full);
  EXPECT_NE(product(ProductPrecision::BFloat16), product(ProductPrecision::TensorFloat32));
  const auto exact = convolution(ProductPrecision::Float32);
  EXPECT_NE(convolution(ProductPrecision::TensorFloat32), exact);
  EXPECT_EQ(convolution(ProductPrecision::Float32), exact);
}

TEST(EmulatedNvidia, ADeviceWithoutTensorCoresForItSaysSo) {
  const auto ones = [](const Shape& shape) {
    return Tensor::from(std::vector<float>(static_cast<std::size_t>(numel(shape)), 1.0F), shape,
                        kDevice);
  };
  const Tensor a = ones({2, 2}), x = ones({1, 2, 2, 1}), w = ones({1, 2, 2, 1});
  const Tensor out = ones({2, 2}), y = ones({1, 1, 1, 1});
  const ProductProviderScope provider(ProductProvider::Nvidia);
  const ProductPrecisionScope precision(ProductPrecision::TensorFloat32);
  cuda_emulator::set_compute_capability(7, 5);
  const std::string by_cublas = message_of([&] { kernels::matmul(a, a, out); });
  const std::string by_cudnn = message_of([&] { kernels::conv2d_forward(x, w, {}, {}, y); });
  cuda_emulator::set_compute_capability(9, 0);
  EXPECT_TRUE(contains(by_cublas, "[matmul]", "tf32", "cuda:0 has 7.5"));
  EXPECT_TRUE(contains(by_cudnn, "[conv2d]", "tf32", "cuda:0 has 7.5"));
}

}  // namespace
}  // namespace rho::kernels::nvidia
