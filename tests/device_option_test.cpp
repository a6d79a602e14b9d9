// --device, --precision and --provider: what they take, and what they say where there is no such
// device.
#include <gtest/gtest.h>

#include "tensor/allocator.h"
#include "tests/support/testing.h"
#include "tools/support/device.h"
#include "tools/support/precision.h"
#include "tools/support/provider.h"

namespace rho::tools {
namespace {

using testing::contains;
using testing::message_of;

TEST(DeviceOption, IsANameWithAnIndexOrNot) {
  EXPECT_EQ(parse_device("cpu"), Device{});
  EXPECT_EQ(parse_device("cuda"), (Device{DeviceType::CUDA, 0}));
  EXPECT_EQ(parse_device("cuda:3"), (Device{DeviceType::CUDA, 3}));
  for (const char* const text :
       {"", "gpu", "CUDA", "cpu:0", "cuda:", "cuda:-1", "cuda:1x", "cuda1", "cuda:99999999999"})
    EXPECT_TRUE(contains(message_of([&] { parse_device(text); }), "[device]", text, "cuda:N"))
        << text;
}

TEST(DeviceOption, SaysWhatIsMissing) {
  EXPECT_EQ(find_device("cpu"), Device{});
  EXPECT_EQ(find_device("auto").type,
            device_count(DeviceType::CUDA) > 0 ? DeviceType::CUDA : DeviceType::CPU);
  const std::string message = message_of([] { find_device("cuda:99"); });
  if (!has_backend(DeviceType::CUDA))
    EXPECT_TRUE(contains(message, "[device] cuda:99", "built without CUDA"));
  else if (device_count(DeviceType::CUDA) == 0)
    EXPECT_TRUE(contains(message, "[device] cuda:99", "no CUDA device"));
  else
    EXPECT_TRUE(contains(message, "[device] cuda:99", "the last is cuda:"));
}

TEST(PrecisionOption, IsTheTypeOfTensorsAndWhatProductsRoundTo) {
  using kernels::ProductPrecision;
  const Device cuda{DeviceType::CUDA, 0};
  const auto expect = [](const Precision& found, DType dtype, ProductPrecision products) {
    EXPECT_EQ(found.dtype, dtype);
    EXPECT_EQ(found.products, products);
  };
  for (const Device device : {Device{}, cuda}) {
    expect(parse_precision("f32", device), DType::Float32, ProductPrecision::Float32);
    expect(parse_precision("f64", device), DType::Float64, ProductPrecision::Float32);
  }
  expect(parse_precision("tf32", cuda), DType::Float32, ProductPrecision::TensorFloat32);
  expect(parse_precision("bf16", cuda), DType::Float32, ProductPrecision::BFloat16);
  for (const char* const text : {"", "f16", "TF32", "tf32x3"})
    EXPECT_TRUE(contains(message_of([&] { parse_precision(text, cuda); }), "[precision]", text,
                         "f32, tf32, bf16, f64"));
  for (const char* const text : {"tf32", "bf16"})
    EXPECT_TRUE(contains(message_of([&] { parse_precision(text, Device{}); }), "[precision]", text,
                         "for CUDA devices", "cpu"));
}

TEST(ProviderOption, IsWhoseProductsTheyAre) {
  using kernels::ProductProvider;
  const Device cuda{DeviceType::CUDA, 0};
  EXPECT_EQ(parse_provider("rho", Device{}), ProductProvider::Rho);
  EXPECT_EQ(parse_provider("rho", cuda), ProductProvider::Rho);
  EXPECT_EQ(parse_provider("nvidia", cuda), ProductProvider::Nvidia);
  for (const char* const text : {"", "Nvidia", "cublas"})
    EXPECT_TRUE(contains(message_of([&] { parse_provider(text, cuda); }), "[provider]", text,
                         "rho, nvidia"));
  EXPECT_TRUE(contains(message_of([] { parse_provider("nvidia", Device{}); }), "[provider] nvidia",
                       "for CUDA devices", "cpu"));
}

}  // namespace
}  // namespace rho::tools
